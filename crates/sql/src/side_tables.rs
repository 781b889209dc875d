//! What a table leaves behind, as tables: `t$late`, the rows that came behind the watermark, and `t$bad`, the records that are no rows.
//!
//! A row is late when it comes after the watermark of its table has passed its event time. Steps that go by time drop such rows, except
//! windows that reach beyond the watermark. So `t$late` holds every row of `t` that any step may have dropped, with the watermark at
//! that moment in the last column: a window of a minute has dropped those of which the minute had ended by then. Its time column is a
//! plain timestamp, since windows over it would drop all of it once more.
//!
//! A record is bad when some column of `t` cannot be read from it, whether a query reads that column or not, and whether the table's
//! options pass over such records or not.

use flott_engine::connector::SourceMode;
use flott_engine::source::bad_record_schema;
use sqlparser::tokenizer::Span;
use std::sync::Arc;

use crate::catalog::{Catalog, ColumnSource, Object, ObjectPath, ROWTIME, Table, TableColumn, View, time_attribute};
use crate::dialect::{self, WrittenQuery};
use crate::error::{SqlError, SqlResult};

/// SQL types of the columns of [`bad_record_schema`].
const BAD_TYPES: [&str; 9] = ["STRING", "INT", "BIGINT", "BIGINT", "BYTES", "BYTES", "STRING", "STRING", "TIMESTAMP_LTZ(3)"];

/// The table or view of that name beside a table of the catalog, if the name says so.
pub fn side_table(catalog: &Catalog, path: &ObjectPath) -> SqlResult<Option<Object>> {
    let Some((name, kind @ ("late" | "bad"))) = path.name.rsplit_once('$') else { return Ok(None) };
    let Ok(Object::Table(table)) = catalog.get(&ObjectPath { name: name.into(), ..path.clone() }) else { return Ok(None) };
    match kind {
        "late" => Ok(Some(Object::View(Arc::new(late(table, path)?)))),
        _ => Ok(Some(Object::Table(Arc::new(bad(table, path)?)))),
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn late(table: &Table, path: &ObjectPath) -> SqlResult<View> {
    let Some(watermark) = &table.watermark else {
        return Err(SqlError::new(format!("'{}' has no WATERMARK, so no row of it is late", table.path.name)).about(&path.name));
    };
    let time = quoted(table.columns[watermark.column].field.name());
    let column = |c: &TableColumn| {
        let name = quoted(c.field.name());
        if time_attribute(&c.field) == Some(ROWTIME) { format!("CAST({name} AS {}) AS {name}", c.sql_type) } else { name }
    };
    let mut columns: Vec<String> = table.columns.iter().map(column).collect();
    let taken = table.columns.iter().any(|c| c.field.name() == "watermark");
    let name = if taken { "watermark$" } else { "watermark" };
    columns.push(format!("CURRENT_WATERMARK({time}) AS {}", quoted(name)));
    let text = format!("SELECT {} FROM {} WHERE {time} <= CURRENT_WATERMARK({time})", columns.join(", "), table.path);
    let query = dialect::parse_query(&text)?;
    let query = WrittenQuery { query, text, span: Span::empty() };
    Ok(View { path: path.clone(), query, columns: vec![], temporary: table.temporary, comment: None })
}

fn bad(table: &Arc<Table>, path: &ObjectPath) -> SqlResult<Table> {
    let mut columns = vec![];
    for (field, text) in bad_record_schema().fields().iter().zip(BAD_TYPES) {
        let of = dialect::parse_type(text)?;
        columns.push(TableColumn {
            field: Arc::new(of.ty.to_field(field.name(), true)),
            sql_type: of.ty,
            source: ColumnSource::Physical,
            comment: None,
        });
    }
    Ok(Table {
        path: path.clone(),
        columns,
        watermark: None,
        source_mode: SourceMode::AppendOnly,
        finds_by_key: false,
        sink_mode: None,
        primary_key: vec![],
        partition_keys: vec![],
        bad_of: Some(table.clone()),
        ..table.as_ref().clone()
    })
}
