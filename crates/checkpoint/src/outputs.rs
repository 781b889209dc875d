//! Output that waits for delivery: a segment for each sink and epoch, whose pieces are batches.

use arrow::array::RecordBatch;
use flott_engine::outbox::{KeptOutput, OpenOutput};
use flott_engine::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::files::Files;
use crate::folder::Folder;
use crate::head::Head;
use crate::segments::{Piece, Segment, end_piece, read_rows};

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
        pieces.push(end_piece((node, "output".into(), 0), batch, begin, offset, &mut bytes)?);
    }
    Ok((pieces, bytes))
}

/// Opens an output that is durable, of the instance with this head: a later one may have removed it.
pub fn open(folder: &dyn Folder, owner: Head, segment: Segment) -> OpenOutput {
    let (folder, _) = folder.another();
    Box::new(move || {
        owner.check(&*folder)?;
        let (mut files, segment) = (Files::new(&*folder), segment.clone());
        let pieces = segment.pieces.clone();
        let batches = pieces.into_iter().map(move |piece| read(&mut files, &segment, &piece));
        Ok(Box::new(batches) as KeptOutput)
    })
}

fn read(files: &mut Files, segment: &Segment, piece: &Piece) -> Result<RecordBatch> {
    let bytes = files.read(segment, piece)?;
    read_rows(bytes.into()).map_err(|e| Error::state(format!("{}: {e}", segment.file)))
}
