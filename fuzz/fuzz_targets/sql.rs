//! The text of a script: a plan or an error, whatever comes.
#![no_main]

use std::sync::LazyLock;

use flott_engine::connector::Connectors;

/// Connectors that touch nothing outside when a job is built.
static CONNECTORS: LazyLock<Connectors> = LazyLock::new(|| {
    let mut some = Connectors::default();
    flott_connectors::all().all().filter(|c| !c.info().name.contains("kafka")).for_each(|c| some.register(c.clone()));
    some
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = flott_sql::any::script(&CONNECTORS, input);
});
