//! Any text as a script, for programs that look for inputs which break the planner.

use flott_engine::connector::{Connectors, Environment};
use std::sync::{Arc, Mutex};

use crate::session::{Effect, Session};

/// Tables for the script to read and write.
const TABLES: &str =
    "CREATE TABLE bids (id BIGINT, item STRING, price DECIMAL(10, 2), ts TIMESTAMP(3), r ROW<a INT, b STRING>, l ARRAY<INT>,
      WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'datagen', 'number-of-rows' = '3');
    CREATE TABLE out (id BIGINT, n BIGINT) WITH ('connector' = 'print');\n";

/// Parses a script, carries its statements out one by one and plans its queries, but runs nothing. Tells how many statements are right,
/// or what is wrong with the first that is not. Panics when an error does not lie within the text.
pub fn script(connectors: &Connectors, input: &[u8]) -> Result<usize, String> {
    let text = format!("{TABLES}{}", String::from_utf8_lossy(input));
    let mut session = Session::new(connectors.clone());
    let (mut right, mut wrong) = (0, None);
    for parsed in Session::parse(&text) {
        let done = parsed.and_then(|statement| match session.execute(&statement)? {
            Effect::Job(job) => {
                let plan = job.explain();
                assert!(!plan.is_empty(), "a plan is told");
                job.build(&environment(), None).map(|_| ())
            }
            _ => Ok(()),
        });
        match done {
            Ok(()) => right += 1,
            Err(error) => {
                if let Some(span) = &error.span {
                    assert!(text.get(span.clone()).is_some(), "{error:?} does not lie within the script");
                }
                wrong.get_or_insert(error.message);
            }
        }
    }
    wrong.map_or(Ok(right), Err)
}

fn environment() -> Environment {
    Environment {
        workers: 2,
        checkpointing: true,
        owner: None,
        stop: Arc::default(),
        sink_number: 0,
        stdout: Arc::new(Mutex::new(std::io::sink())),
    }
}
