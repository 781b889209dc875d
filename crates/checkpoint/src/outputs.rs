//! Output that waits for delivery: a segment for each sink and epoch, whose pieces are batches.

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use flott_engine::outbox::{KeptOutput, OpenOutput};
use flott_engine::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::codec::checksum;
use crate::segments::{Piece, Segment};

/// A sink's output of an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Node of the sink.
    pub node: usize,
    /// The epoch.
    pub epoch: u64,
    /// Where it lies.
    pub segment: Segment,
}

/// Adds batches to the end of a segment; gives the bytes that are to be written there.
pub fn encode(node: usize, rows: &[RecordBatch], offset: u64) -> Result<(Vec<Piece>, Vec<u8>)> {
    let (mut pieces, mut bytes) = (vec![], vec![]);
    for batch in rows {
        let begin = bytes.len();
        let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema())?;
        writer.write(batch)?;
        writer.finish()?;
        drop(writer);
        pieces.push(Piece {
            node,
            table: "output".into(),
            part: 0,
            rows: batch.num_rows() as u64,
            offset: offset + begin as u64,
            length: (bytes.len() - begin) as u64,
            crc32c: checksum(&bytes[begin..]),
        });
    }
    Ok((pieces, bytes))
}

/// Opens an output that is durable.
pub fn open(dir: &Path, segment: Segment) -> OpenOutput {
    let path = dir.join(&segment.file);
    Box::new(move || {
        let mut file = File::open(&path).map_err(|e| Error::from(e).at(path.display().to_string()))?;
        let (pieces, path) = (segment.pieces.clone(), path.clone());
        let batches = pieces.into_iter().flat_map(move |piece| match read(&mut file, &path, &piece) {
            Ok(batches) => batches.into_iter().map(Ok).collect(),
            Err(e) => vec![Err(e)],
        });
        Ok(Box::new(batches) as KeptOutput)
    })
}

fn read(file: &mut File, path: &PathBuf, piece: &Piece) -> Result<Vec<RecordBatch>> {
    let damaged = |why: String| Error::state(format!("{}: {why}", path.display()));
    let mut bytes = vec![0; piece.length as usize];
    file.seek(SeekFrom::Start(piece.offset)).and_then(|_| file.read_exact(&mut bytes)).map_err(|e| damaged(e.to_string()))?;
    if checksum(&bytes) != piece.crc32c {
        return Err(damaged(format!("the checksum of the {} bytes at {} does not match them", piece.length, piece.offset)));
    }
    let reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(|e| damaged(e.to_string()))?;
    reader.collect::<Result<Vec<_>, _>>().map_err(|e| damaged(e.to_string()))
}
