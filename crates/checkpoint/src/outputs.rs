//! Output that waits for delivery: a segment for each sink and epoch, whose pieces are batches.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use flott_engine::outbox::{KeptOutput, OpenOutput};
use flott_engine::{Error, Result};
use serde::{Deserialize, Serialize};
use std::io::Cursor;
use std::path::Path;

use crate::codec::checksum;
use crate::files::{Files, Unusable};
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
    let dir = dir.to_path_buf();
    Box::new(move || {
        let (mut files, segment) = (Files::new(&dir), segment.clone());
        let pieces = segment.pieces.clone();
        let batches = pieces.into_iter().flat_map(move |piece| match read(&mut files, &segment, &piece) {
            Ok(batches) => batches.into_iter().map(Ok).collect(),
            Err(e) => vec![Err(e)],
        });
        Ok(Box::new(batches) as KeptOutput)
    })
}

fn read(files: &mut Files, segment: &Segment, piece: &Piece) -> Result<Vec<RecordBatch>> {
    let bytes = files.read(segment, piece).map_err(|e| match e {
        Unusable::Damaged(why) => Error::state(why),
        Unusable::Failed(e) => e,
    })?;
    let unreadable = |e: ArrowError| Error::state(format!("{}: {e}", segment.file));
    let reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(unreadable)?;
    reader.collect::<Result<Vec<_>, _>>().map_err(unreadable)
}
