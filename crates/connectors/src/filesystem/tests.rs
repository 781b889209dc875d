//! Tests of the connector as a whole.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use flott_engine::connector::{ColumnRef, Connector, TableSpec};
use flott_engine::source::{ChunkBudget, Decoded, Fetch, Source};
use proptest::prelude::*;

use super::Filesystem;
use super::sink_tests::environment;

fn table(path: &Path, options: &[(&str, &str)]) -> TableSpec {
    let fields = vec![Field::new("id", DataType::Int64, true), Field::new("name", DataType::Utf8, true)];
    let mut all = vec![("connector", "filesystem"), ("format", "json"), ("path", path.to_str().unwrap())];
    all.extend_from_slice(options);
    TableSpec {
        name: "t".into(),
        schema: Arc::new(Schema::new(fields)),
        columns: vec![ColumnRef::Physical(0), ColumnRef::Physical(1)],
        // A later option replaces an earlier one.
        options: all.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        partition_keys: vec![],
        primary_key: vec![],
    }
}

/// Reads all splits to their ends, with a position and the rows of each chunk.
fn read_chunks(source: &mut dyn Source, bytes: usize) -> flott_engine::Result<Vec<(String, String, Decoded)>> {
    let mut all = vec![];
    for split in source.discover()? {
        let mut reader = source.open(&split, None)?;
        while let Fetch::Chunk(chunk) = reader.fetch(ChunkBudget { rows: 1, bytes })? {
            all.push((split.id.clone(), chunk.start(), chunk.decode()?));
        }
    }
    Ok(all)
}

fn text_of(batch: &RecordBatch) -> Vec<String> {
    let schema = batch.schema();
    (0..batch.num_rows())
        .map(|row| {
            let cells = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
                let mut out = vec![];
                flott_engine::text::print_text(column.as_ref(), row, field, &mut out);
                String::from_utf8(out).unwrap()
            });
            cells.collect::<Vec<_>>().join("|")
        })
        .collect()
}

fn read(table: &TableSpec, bytes: usize) -> Vec<String> {
    let mut source = Filesystem.source(table, &environment(false)).unwrap();
    read_chunks(source.as_mut(), bytes).unwrap().iter().flat_map(|(_, _, decoded)| text_of(&decoded.rows)).collect()
}

fn error(table: &TableSpec) -> String {
    match Filesystem.source(table, &environment(false)) {
        Err(e) => e.to_string(),
        Ok(mut source) => match read_chunks(source.as_mut(), 1 << 20) {
            Err(e) => e.to_string(),
            Ok(_) => panic!("no error"),
        },
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn reads_folders_patterns_and_compressed_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(at("sub/_hidden")).unwrap();
    std::fs::write(at("a.json"), "{\"id\":1,\"name\":\"a\"}\n").unwrap();
    std::fs::write(at("sub/b.json.gz"), gzip(b"{\"id\":2}\n{\"id\":3}")).unwrap();
    std::fs::write(at("sub/c.json.zst"), zstd::encode_all(&b"{\"id\":4}\n"[..], 0).unwrap()).unwrap();
    std::fs::write(at("sub/_hidden/d.json"), "no").unwrap();
    std::fs::write(at(".e.json"), "no").unwrap();
    std::fs::write(at("empty.json"), "").unwrap();
    assert_eq!(read(&table(folder.path(), &[]), 1 << 20), ["1|a", "2|null", "3|null", "4|null"]);
    let url = format!("file://{}", folder.path().display());
    assert_eq!(read(&table(Path::new(&url), &[]), 1 << 20).len(), 4);
    assert_eq!(read(&table(&at("a.json"), &[]), 3), ["1|a"]);
    assert_eq!(read(&table(&at("**/*.json*"), &[]), 1 << 20).len(), 4);
    assert_eq!(read(&table(&at("s*/?.json.[gz]*"), &[]), 1 << 20).len(), 3);
    assert_eq!(read(&table(folder.path(), &[("source.path.regex-pattern", ".*/sub")]), 1 << 20).len(), 3);
    assert_eq!(read(&table(folder.path(), &[("source.path.regex-pattern", ".*[.]json")]), 1 << 20).len(), 1);
    assert!(error(&table(&at("none"), &[])).contains("There is no file or folder"));
    assert!(error(&table(&at("*.csv"), &[])).contains("No file matches"));
    std::fs::write(at("f.json.bz2"), "x").unwrap();
    assert!(error(&table(folder.path(), &[])).contains("compressed in a way that cannot be read"));
}

#[test]
fn reads_files_of_blocks_whole_block_by_whole_block() {
    use flott_engine::sink::Payload;
    let folder = tempfile::tempdir().unwrap();
    let table = |codec: &str| table(folder.path(), &[("format", "avro"), ("avro.codec", codec)]);
    let mut wanted = vec![];
    for (i, codec) in ["snappy", "deflate", "zstandard", "null"].into_iter().enumerate() {
        let table = table(codec);
        let mut sink = Filesystem.sink(&table, &environment(false)).unwrap();
        sink.open(None).unwrap();
        let mut encoder = sink.encoder().unwrap();
        for block in 0..20 {
            let ids: Vec<i64> = (0..block % 5 + 1).map(|id| (i as i64 * 20 + block) * 10 + id).collect();
            let names: Vec<String> = ids.iter().map(|id| "x".repeat(*id as usize % 300)).collect();
            wanted.extend(ids.iter().zip(&names).map(|(id, name)| format!("{id}|{name}")));
            let columns: Vec<arrow::array::ArrayRef> =
                vec![Arc::new(arrow::array::Int64Array::from(ids)), Arc::new(arrow::array::StringArray::from(names))];
            let mut payloads: Vec<Payload> = vec![];
            let rows = RecordBatch::try_new(table.schema.clone(), columns).unwrap();
            encoder.encode(&flott_engine::Batch::inserts(rows), &mut payloads).unwrap();
            sink.write(payloads).unwrap();
        }
        sink.finish().unwrap();
    }
    wanted.sort();
    for bytes in [1, 100, 1 << 20] {
        let mut found = read(&table("null"), bytes);
        found.sort();
        assert_eq!(found, wanted);
    }
    // From the position of each chunk on, the rest comes.
    let table = table("null");
    let mut source = Filesystem.source(&table, &environment(false)).unwrap();
    let chunks = read_chunks(source.as_mut(), 100).unwrap();
    let split = chunks[0].0.clone();
    let of_split: Vec<_> = chunks.iter().filter(|(id, ..)| *id == split).collect();
    for (i, (_, position, _)) in of_split.iter().enumerate() {
        let info = flott_engine::source::SplitInfo { id: split.clone(), detail: String::new() };
        let mut reader = source.open(&info, Some(position)).unwrap();
        let mut rows = 0;
        while let Fetch::Chunk(chunk) = reader.fetch(ChunkBudget { rows: 1, bytes: 1 << 20 }).unwrap() {
            rows += chunk.decode().unwrap().rows.num_rows();
        }
        assert_eq!(rows, of_split[i..].iter().map(|(_, _, decoded)| decoded.rows.num_rows()).sum::<usize>());
    }
    std::fs::write(folder.path().join("cut"), &std::fs::read(&split).unwrap()[..700]).unwrap();
    let cut = super::tests::table(&folder.path().join("cut"), &[("format", "avro")]);
    assert!(error(&cut).contains("the file ends in the middle of a block"), "{}", error(&cut));
    std::fs::write(folder.path().join("cut"), "{}").unwrap();
    assert!(error(&cut).contains("it does not begin as a file of Avro does"), "{}", error(&cut));
    let confluent = super::tests::table(folder.path(), &[("format", "avro-confluent"), ("avro-confluent.url", "http://localhost")]);
    assert!(error(&confluent).contains("so they cannot lie in files"), "{}", error(&confluent));
}

#[test]
fn follows_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path(), &[("source.monitor-interval", "1 ms")]);
    let mut source = Filesystem.source(&table, &environment(false)).unwrap();
    assert!(source.discovers());
    assert!(source.discover().unwrap().is_empty());
    std::fs::write(folder.path().join("a.json"), "{\"id\":1}\n").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(5));
    assert_eq!(source.discover().unwrap().len(), 1);
    std::thread::sleep(std::time::Duration::from_millis(5));
    assert!(source.discover().unwrap().is_empty());
}

#[test]
fn partitions_and_metadata() {
    let folder = tempfile::tempdir().unwrap();
    for (day, name) in [("2024-01-02", "x%2Fy"), ("2024-01-03", "__DEFAULT_PARTITION__")] {
        let sub = folder.path().join(format!("day={day}/who={name}"));
        std::fs::create_dir_all(&sub).unwrap();
        std::fs::write(sub.join("f.json"), "{\"id\":1}\n{\"id\":2}\n").unwrap();
    }
    let mut table = table(folder.path(), &[]);
    table.schema = Arc::new(Schema::new(vec![
        Field::new("who", DataType::Utf8, true),
        Field::new("id", DataType::Int64, true),
        Field::new("day", DataType::Date32, true),
    ]));
    table.partition_keys = vec!["day".into(), "who".into()];
    let metadata = |key: &str| ColumnRef::Metadata { key: key.into(), name: key.into(), data_type: DataType::Utf8 };
    table.columns = vec![ColumnRef::Physical(2), ColumnRef::Physical(1), metadata("file.name"), ColumnRef::Physical(0)];
    let rows = ["2024-01-02|1|f.json|x/y", "2024-01-02|2|f.json|x/y", "2024-01-03|1|f.json|null", "2024-01-03|2|f.json|null"];
    assert_eq!(read(&table, 1 << 20), rows);
    std::fs::create_dir_all(folder.path().join("day=monday/who=x")).unwrap();
    std::fs::write(folder.path().join("day=monday/who=x/f.json"), "{}\n").unwrap();
    assert!(error(&table).contains("'monday' is not a date"));
}

#[test]
fn all_metadata_columns() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("f.json"), "{}\n").unwrap();
    let mut table = table(folder.path(), &[]);
    table.columns = Filesystem
        .info()
        .metadata
        .iter()
        .map(|m| ColumnRef::Metadata { key: m.key.into(), name: m.key.into(), data_type: m.data_type.clone() })
        .collect();
    let row = read(&table, 1 << 20).remove(0);
    let cells: Vec<_> = row.split('|').collect();
    assert_eq!(cells[0], folder.path().join("f.json").to_str().unwrap());
    assert_eq!((cells[1], cells[2]), ("f.json", "3"));
    assert!(cells[3].starts_with("20") && cells[3].ends_with('Z'));
}

#[test]
fn bad_rows_are_named_by_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let lines = b"{\"id\":1}\n{\"id\":2}\n{\"id\":\"x\"}\nnonsense\n{\"id\":5}\n";
    for (name, bytes) in [("f.json", lines.to_vec()), ("g.json.gz", gzip(lines))] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let message = error(&table(&path, &[]));
        let wanted = format!("{}, line 3, column id: 'x' is not a whole number (BIGINT)", path.display());
        assert!(message.starts_with(&wanted), "{message}");
        assert!(message.contains("'json.ignore-parse-errors' = 'true'"));
        let lenient = table(&path, &[("json.ignore-parse-errors", "true")]);
        let mut source = Filesystem.source(&lenient, &environment(false)).unwrap();
        for bytes in [1 << 20, 10] {
            let chunks = read_chunks(source.as_mut(), bytes).unwrap();
            for (_, _, decoded) in chunks.iter().filter(|c| c.2.bad_rows > 0) {
                for bad in &decoded.bad_samples {
                    let (line, text) =
                        if bad.text == "nonsense" { ("line 4", "nonsense") } else { ("line 3, column id", "{\"id\":\"x\"}") };
                    assert_eq!(bad.place, format!("{}, {line}", path.display()));
                    assert_eq!(bad.text, text);
                }
            }
        }
        assert_eq!(read(&lenient, 1 << 20), ["1|null", "2|null", "null|null", "5|null"]);
    }
}

#[test]
fn a_position_continues_and_a_changed_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text: String = (0..100).map(|i| format!("{{\"id\":{i}}}\n")).collect();
    std::fs::write(folder.path().join("f.json"), &text).unwrap();
    std::fs::write(folder.path().join("g.json.gz"), gzip(text.as_bytes())).unwrap();
    let table = table(folder.path(), &[]);
    let mut source = Filesystem.source(&table, &environment(false)).unwrap();
    let chunks = read_chunks(source.as_mut(), 100).unwrap();
    for (id, position, decoded) in &chunks {
        let mut source = Filesystem.source(&table, &environment(false)).unwrap();
        let split = source.discover().unwrap().into_iter().find(|s| &s.id == id).unwrap();
        let mut reader = source.open(&split, Some(position)).unwrap();
        let Fetch::Chunk(chunk) = reader.fetch(ChunkBudget { rows: 1, bytes: 1 << 20 }).unwrap() else { panic!() };
        let rows = text_of(&chunk.decode().unwrap().rows);
        let first = text_of(&decoded.rows);
        assert_eq!(&rows[..first.len()], &first[..]);
    }
    std::fs::write(folder.path().join("f.json"), "{}\n").unwrap();
    let split = flott_engine::source::SplitInfo { id: chunks[0].0.clone(), detail: String::new() };
    let message = source.open(&split, Some(&chunks[0].1)).err().unwrap().to_string();
    assert!(
        message.contains("f.json has changed since the checkpoint: it had 990 bytes and now has 3") || message.contains("has changed"),
        "{message}"
    );
}

#[test]
fn long_ranges_are_read_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.json");
    // Records of 20 to 500 bytes, and now and then one that is longer than a piece or two.
    let name = |i: usize| "x".repeat(if i % 1_000 == 999 { 70_000 * (1 + i / 1_000) } else { i * 7_919 % 480 });
    let line = |i: usize| if i == 2_500 { "nonsense\n".to_owned() } else { format!("{{\"id\":{i},\"name\":\"{}\"}}\n", name(i)) };
    std::fs::write(&path, (0..3_000).map(line).collect::<String>()).unwrap();
    let wanted: Vec<String> = (0..3_000).filter(|i| *i != 2_500).map(|i| format!("{i}|{}", name(i))).collect();
    let lenient = table(&path, &[("json.ignore-parse-errors", "true")]);
    for bytes in [1_000, 65_536, 100_001, 1 << 20, 1 << 30] {
        assert!(read(&lenient, bytes) == wanted, "{bytes}");
        let mut source = Filesystem.source(&lenient, &environment(false)).unwrap();
        let chunks = read_chunks(source.as_mut(), bytes).unwrap();
        let bad: Vec<_> = chunks.iter().flat_map(|c| &c.2.bad_samples).collect();
        assert_eq!((bad.len(), bad[0].text.as_str()), (1, "nonsense"));
        assert!(bad[0].place.ends_with(", line 2501"), "{bad:?}");
    }
}

#[test]
fn records_without_end_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let huge = vec![b'x'; 20 << 20];
    for (name, bytes) in [("f.json", huge.clone()), ("g.json.gz", gzip(&huge))] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let message = error(&table(&path, &[]));
        assert!(message.contains("line 1: A record is longer than 8 MiB"), "{message}");
    }
}

#[test]
fn records_without_end_are_skipped_where_bad_ones_are() {
    let folder = tempfile::tempdir().unwrap();
    let text = [b"{\"id\":1}\n{\"name\":\"".to_vec(), vec![b'x'; 20 << 20], b"\"}\n{\"id\":2}\n".to_vec()].concat();
    std::fs::write(folder.path().join("f.json"), &text).unwrap();
    std::fs::write(folder.path().join("g.json.gz"), gzip(&text)).unwrap();
    let table = table(folder.path(), &[("json.ignore-parse-errors", "true")]);
    for bytes in [64 << 10, 1 << 20] {
        let mut source = Filesystem.source(&table, &environment(false)).unwrap();
        let chunks = read_chunks(source.as_mut(), bytes).unwrap();
        assert_eq!(chunks.iter().flat_map(|c| text_of(&c.2.rows)).collect::<Vec<_>>(), ["1|null", "2|null", "1|null", "2|null"]);
        let bad: Vec<_> = chunks.iter().flat_map(|c| &c.2.bad_samples).collect();
        assert_eq!((bad.len(), chunks.iter().map(|c| c.2.bad_rows).sum::<u64>()), (2, 2));
        assert!(bad.iter().all(|b| b.place.ends_with(", line 2") && b.text.starts_with("{\"name\":\"xxx")));
    }
}

#[test]
fn csv_with_line_breaks_in_quotes_is_cut_between_records() {
    let folder = tempfile::tempdir().unwrap();
    let text: String = (0..200).map(|i| format!("{i},\"line one, \"\"{i}\"\"\nline two\"\n")).collect();
    std::fs::write(folder.path().join("f.csv"), &text).unwrap();
    std::fs::write(folder.path().join("g.csv.gz"), gzip(text.as_bytes())).unwrap();
    let table = table(folder.path(), &[("format", "csv")]);
    let whole = read(&table, 1 << 20);
    assert_eq!((whole.len(), whole[1].as_str()), (400, "1|line one, \"1\"\nline two"));
    for bytes in [1, 7, 100, 1_000] {
        assert_eq!(read(&table, bytes), whole, "{bytes}");
    }
    std::fs::write(folder.path().join("f.csv"), format!("{text}x,y\n")).unwrap();
    assert!(error(&table).contains("f.csv, line 401, column id: 'x' is not a whole number (BIGINT)"));
}

#[test]
fn only_columns_that_are_needed_are_decoded() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("f.csv"), "not a number,a\n,b\n").unwrap();
    let mut table = table(folder.path(), &[("format", "csv")]);
    table.columns = vec![ColumnRef::Physical(1)];
    assert_eq!(read(&table, 1 << 20), ["a", "b"]);
    table.columns = vec![];
    let mut source = Filesystem.source(&table, &environment(false)).unwrap();
    assert_eq!(read_chunks(source.as_mut(), 1 << 20).unwrap()[0].2.rows.num_rows(), 2);
}

#[test]
fn damaged_archives_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let whole = gzip("{\"id\":1}\n".repeat(1000).as_bytes());
    std::fs::write(folder.path().join("f.json.gz"), &whole[..whole.len() / 2]).unwrap();
    assert!(error(&table(folder.path(), &[])).contains("Cannot read the file"));
    std::fs::write(folder.path().join("f.json.gz"), b"not gzip at all").unwrap();
    assert!(error(&table(folder.path(), &[])).contains("Cannot read the file"));
}

#[test]
fn options_are_checked() {
    let check = |options: &[(&str, &str)]| match Filesystem.check(&table(Path::new("/tmp"), options)) {
        Ok(()) => "fine".to_owned(),
        Err(e) => e.to_string(),
    };
    assert_eq!(check(&[]), "fine");
    assert_eq!(check(&[("json.ignore-parse-errors", "true"), ("scan.parallelism", "2")]), "fine");
    assert!(check(&[("json.ignore-parse-error", "true")]).contains("Did you mean 'json.ignore-parse-errors'?"));
    assert!(check(&[("format", "jsn")]).contains("did you mean 'json'?"));
    assert!(check(&[("path", "s3://bucket/x")]).contains("'s3://' is not supported"));
    assert!(check(&[("source.monitor-interval", "often")]).contains("a duration such as '10s'"));
    assert!(check(&[("source.path.regex-pattern", "(")]).contains("not a regular expression"));
    assert!(check(&[("sink.rolling-policy.file-size", "big")]).contains("a size such as '128mb'"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_cut_gives_the_same_rows(
        lines in proptest::collection::vec(prop_oneof![4 => "[a-z]{0,30}", 1 => Just(String::new())], 0..20),
        end: bool, bytes in 1usize..80,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let records: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(i, name)| if name.is_empty() { String::new() } else { format!("{{\"id\":{i},\"name\":\"{name}\"}}") })
            .collect();
        let mut text = records.join("\n");
        if end {
            text.push('\n');
        }
        std::fs::write(folder.path().join("a.json"), &text).unwrap();
        std::fs::write(folder.path().join("b.json.gz"), gzip(text.as_bytes())).unwrap();
        let table = table(folder.path(), &[]);
        let whole = read(&table, 1 << 20);
        let wanted: Vec<String> =
            lines.iter().enumerate().filter(|(_, n)| !n.is_empty()).map(|(i, name)| format!("{i}|{name}")).collect();
        prop_assert_eq!(&whole[..wanted.len()], &wanted[..]);
        prop_assert_eq!(&whole[wanted.len()..], &wanted[..]);
        prop_assert_eq!(read(&table, bytes), whole);
    }
}
