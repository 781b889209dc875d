//! `flott connectors`: what tables can be connected to, and with which options.

use flott_connectors::formats;
use flott_engine::connector::{ConnectorInfo, OptionInfo, SinkMode};
use flott_engine::{Error, Result};

use super::{print, similar};
use crate::Exit;
use crate::terminal::text_table::TextTable;

const EXAMPLES: &str = "\
Examples:
  flott connectors               what tables can be connected to
  flott connectors filesystem    the options of one, and of its formats";

/// List connectors, or the options of one
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The connector
    name: Option<String>,
}

/// Runs the command.
pub fn main(args: Args) -> Result<Exit> {
    let connectors = flott_connectors::all();
    match args.name {
        None => print(&list(connectors.all().map(|c| c.info())))?,
        Some(name) => match connectors.get(&name.to_ascii_lowercase()) {
            Some(connector) => print(&describe(&connector.info()))?,
            None => {
                let names: Vec<&str> = connectors.all().map(|c| c.info().name).collect();
                let near = similar(&name, names.iter().copied());
                let help = match near.first() {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => format!("there are: {}", names.join(", ")),
                };
                return Err(Error::config(format!("there is no connector '{name}'")).help(help));
            }
        },
    }
    Ok(Exit::Done)
}

fn list(connectors: impl Iterator<Item = ConnectorInfo>) -> String {
    let rows: Vec<Vec<String>> = connectors.map(|c| vec![c.name.to_owned(), directions(&c).to_owned(), c.description.to_owned()]).collect();
    let mut table = TextTable::of_texts(&["connector", "can be", "description"]);
    table.fit(&rows);
    let text = table.header() + &table.body(&rows);
    format!("{text}\nFormats: {}\n", formats::NAMES.join(", "))
}

fn default_of(option: &OptionInfo) -> &'static str {
    if option.required { "(required)" } else { option.default.unwrap_or("") }
}

fn directions(info: &ConnectorInfo) -> &'static str {
    match (info.source, info.sink) {
        (true, Some(_)) => "read, written",
        (true, None) => "read",
        _ => "written",
    }
}

fn describe(info: &ConnectorInfo) -> String {
    let mut text = format!("{}: {}\n", info.name, info.description);
    text.push_str(&format!("Can be {}.", directions(info)));
    match info.sink {
        Some(SinkMode::AppendOnly) if info.format => {
            text.push_str(" Takes new rows only; updates and deletes, too, in a format of changes such as debezium-json.");
        }
        Some(SinkMode::AppendOnly) => text.push_str(" Takes new rows only, no updates or deletes."),
        Some(SinkMode::Upsert) => text.push_str(" Takes updates and deletes by the primary key."),
        Some(SinkMode::Retract | SinkMode::All) => text.push_str(" Takes updates and deletes, too."),
        None => {}
    }
    text.push_str("\n\n");
    let mut rows: Vec<Vec<String>> = vec![];
    for option in info.options {
        rows.push(vec![option.key.to_owned(), default_of(option).to_owned(), option.description.to_owned()]);
    }
    if !rows.is_empty() {
        let mut table = TextTable::of_texts(&["option", "default", "description"]);
        table.fit(&rows);
        text.push_str(&(table.header() + &table.body(&rows)));
    }
    if info.options.iter().any(|o| o.key.contains('#')) {
        text.push_str("# stands for the name of a column.\n");
    }
    if !info.metadata.is_empty() {
        let keys: Vec<&str> = info.metadata.iter().map(|m| m.key).collect();
        text.push_str(&format!("\nMetadata columns: {}\n", keys.join(", ")));
    }
    if info.format {
        let fits = |format: &&&str| info.name != "filesystem" || formats::lies_in_files(format);
        let names: Vec<&str> = formats::NAMES.iter().filter(fits).copied().collect();
        let whole = info.options.iter().all(|o| o.key != "value.format" || !o.required);
        let (option, before) = if whole { ("'format'", "") } else { ("'key.format' and 'value.format'", "key. or value.") };
        text.push_str(&format!("\nNeeds the option {option}, one of: {}\n", names.join(", ")));
        if !before.is_empty() {
            text.push_str(&format!("The options of formats have {before} before them.\n"));
        }
        for format in names {
            let rows: Vec<Vec<String>> = formats::options(format)
                .iter()
                .map(|o| vec![format!("{format}.{}", o.key), default_of(o).to_owned(), o.description.to_owned()])
                .collect();
            if !rows.is_empty() {
                let mut table = TextTable::of_texts(&[format!("option of {format}").as_str(), "default", "description"]);
                table.fit(&rows);
                text.push_str(&format!("\n{}{}", table.header(), table.body(&rows)));
            }
        }
    }
    text
}
