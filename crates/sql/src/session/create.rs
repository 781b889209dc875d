//! CREATE and ALTER: tables, views, databases, catalogs.

use arrow::datatypes::Field;
use datafusion_common::DFSchema;
use datafusion_expr::{Expr, ExprSchemable};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Effect, Session};
use crate::catalog::{
    ColumnSource, Object, ObjectPath, PROCTIME, ROWTIME, Table, TableColumn, TableWatermark, View, can_be_rowtime, with_time_attribute,
};
use crate::dialect::{self, ColumnKind, CreateTable, LikeFeature, MergeStrategy};
use crate::error::{SqlError, SqlResult};
use crate::planner::context::PlanContext;
use crate::types::FlinkType;

impl Session {
    pub(super) fn create_table(&mut self, create: &CreateTable) -> SqlResult<Effect> {
        let path = self.path(&create.name)?;
        if create.if_not_exists && self.catalog.contains(&path) {
            return Effect::done(format!("table {} is there already", path.name));
        }
        let replaces = create.replace != dialect::ReplaceMode::Create;
        if replaces && create.as_query.is_none() {
            return Err(SqlError::new("only CREATE TABLE … AS can replace a table")
                .about("REPLACE")
                .help("DROP TABLE IF EXISTS, then CREATE TABLE"));
        }
        if create.replace == dialect::ReplaceMode::Replace && !self.catalog.contains(&path) {
            return Err(SqlError::new(format!("there is no table '{}' to replace", path.name))
                .about(&path.name)
                .help("write CREATE OR REPLACE TABLE"));
        }
        if let Some(query) = &create.as_query {
            return Ok(Effect::Job(Box::new(self.create_table_as(create, query)?)));
        }
        let merged = self.with_like(create)?;
        let table = self.build_table(&merged, path.clone())?;
        self.catalog.add(&path, Object::Table(Arc::new(table)), false)?;
        Effect::done(format!("table {}", path.name))
    }

    pub(super) fn build_table(&self, create: &CreateTable, path: ObjectPath) -> SqlResult<Table> {
        TableBuilder { session: self, create }.build(path)
    }

    /// The clauses of the statement with those that LIKE takes over.
    fn with_like(&self, create: &CreateTable) -> SqlResult<CreateTable> {
        let mut merged = create.clone();
        let Some(like) = &create.like else { return Ok(merged) };
        let path = self.path(&like.table)?;
        let Object::Table(base) = self.catalog.get(&path)? else {
            return Err(SqlError::new(format!("'{}' is a view: LIKE takes a table", path.name)).about(&path.name));
        };
        let base = &base.definition;
        let strategy = |feature: LikeFeature| {
            let of = |f| like.options.iter().rev().find(|o| o.feature == f).map(|o| o.strategy);
            of(feature).or_else(|| of(LikeFeature::All))
        };
        let taken = |feature| strategy(feature) != Some(MergeStrategy::Excluding);
        let overwrites = |feature| strategy(feature) == Some(MergeStrategy::Overwriting);
        let feature_of = |kind: &ColumnKind| match kind {
            ColumnKind::Computed(_) => Some(LikeFeature::Generated),
            ColumnKind::Metadata { .. } => Some(LikeFeature::Metadata),
            _ => None,
        };
        let mut columns: Vec<_> = base.columns.iter().filter(|c| feature_of(&c.kind).is_none_or(taken)).cloned().collect();
        for column in &create.columns {
            match columns.iter().position(|c| c.name.value == column.name.value) {
                Some(i) if feature_of(&column.kind).is_some_and(overwrites) => columns[i] = column.clone(),
                Some(_) => {
                    let name = &column.name.value;
                    return Err(SqlError::new(format!("column '{name}' is in the table that LIKE names already")).about(name));
                }
                None => columns.push(column.clone()),
            }
        }
        merged.columns = columns;
        if merged.watermarks.is_empty() && taken(LikeFeature::Watermarks) {
            merged.watermarks = base.watermarks.clone();
        } else if !base.watermarks.is_empty() && taken(LikeFeature::Watermarks) && !overwrites(LikeFeature::Watermarks) {
            return Err(SqlError::new("the table that LIKE names has a watermark already")
                .about("WATERMARK")
                .help("write OVERWRITING WATERMARKS or EXCLUDING WATERMARKS"));
        }
        if merged.primary_key.is_none() && taken(LikeFeature::Constraints) {
            merged.primary_key = base.primary_key.clone();
        }
        if merged.partitioned_by.is_empty() && taken(LikeFeature::Partitions) {
            merged.partitioned_by = base.partitioned_by.clone();
        }
        if taken(LikeFeature::Options) {
            let mut options = base.options.clone();
            for entry in &create.options {
                options.retain(|o| o.key.value != entry.key.value);
                options.push(entry.clone());
            }
            merged.options = options;
        }
        merged.like = None;
        Ok(merged)
    }

    pub(super) fn create_view(&mut self, create: &dialect::CreateView) -> SqlResult<Effect> {
        let path = self.path(&create.name)?;
        if create.if_not_exists && self.catalog.contains(&path) {
            return Effect::done(format!("view {} is there already", path.name));
        }
        // Planned now so that a mistake shows where it is made.
        let context = self.context();
        let plan = crate::planner::plan_view(&create.query.query, &context)?;
        let columns: Vec<String> = create.columns.iter().map(|c| c.value.clone()).collect();
        crate::planner::rename_columns(plan, &columns)?;
        let view = View {
            path: path.clone(),
            query: create.query.clone(),
            columns,
            temporary: create.temporary,
            comment: create.comment.as_ref().map(|c| c.value.clone()),
        };
        self.catalog.add(&path, Object::View(Arc::new(view)), false)?;
        Effect::done(format!("view {}", path.name))
    }

    pub(super) fn create_database(&mut self, create: &dialect::CreateDatabase) -> SqlResult<Effect> {
        let parts: Vec<String> = create.name.0.iter().filter_map(|p| p.as_ident().map(|i| i.value.clone())).collect();
        let (catalog, database) = match parts.as_slice() {
            [database] => (self.catalog.current_catalog.clone(), database.clone()),
            [catalog, database] => (catalog.clone(), database.clone()),
            _ => return Err(SqlError::new("a database is written [catalog.]database")),
        };
        if !self.catalog.create_database(&catalog, &database)? && !create.if_not_exists {
            return Err(SqlError::new(format!("database '{database}' is there already")).about(database).help("write IF NOT EXISTS"));
        }
        Effect::done(format!("database {database}"))
    }

    pub(super) fn create_catalog(&mut self, create: &dialect::CreateCatalog) -> SqlResult<Effect> {
        let kind = create.options.iter().find(|o| o.key.value == "type").map(|o| o.value.value.as_str());
        if kind != Some("generic_in_memory") {
            let kind = kind.unwrap_or("(none)");
            return Err(SqlError::not_yet(format!("a catalog of type '{kind}'"))
                .about(kind)
                .help("write WITH ('type' = 'generic_in_memory')"));
        }
        if !self.catalog.create_catalog(&create.name.value) && !create.if_not_exists {
            return Err(SqlError::new(format!("catalog '{}' is there already", create.name.value)).about(&create.name.value));
        }
        Effect::done(format!("catalog {}", create.name.value))
    }
}

struct TableBuilder<'a> {
    session: &'a Session,
    create: &'a CreateTable,
}

impl TableBuilder<'_> {
    fn build(&self, path: ObjectPath) -> SqlResult<Table> {
        let create = self.create;
        if create.columns.len() > dialect::COLUMNS_MAX {
            let error = SqlError::new(format!("the table has {} columns, and {} is the most", create.columns.len(), dialect::COLUMNS_MAX));
            return Err(error.about(create.name.to_string()));
        }
        let primary_key: Vec<String> = create.primary_key.iter().flat_map(|k| &k.columns).map(|c| c.value.clone()).collect();
        let mut columns = self.columns(&primary_key)?;
        let partition_keys: Vec<String> = create.partitioned_by.iter().map(|c| c.value.clone()).collect();
        for name in primary_key.iter().chain(&partition_keys) {
            let Some(column) = columns.iter().find(|c| c.field.name() == name) else { return Err(self.no_column(name)) };
            if !matches!(column.source, ColumnSource::Physical) {
                return Err(SqlError::new(format!("'{name}' is not a physical column, so it cannot be a key")).about(name));
            }
        }
        let watermark = self.watermark(&mut columns)?;
        let mut options = BTreeMap::new();
        for entry in &create.options {
            if options.insert(entry.key.value.clone(), entry.value.value.clone()).is_some() {
                return Err(SqlError::new(format!("option '{}' is given twice", entry.key.value)).about(&entry.key.value));
            }
        }
        let connector = options.get("connector").and_then(|name| self.session.connectors.get(name));
        Ok(Table {
            path,
            source_mode: connector.map(|c| c.source_mode(&options)).unwrap_or_default(),
            finds_by_key: connector.is_some_and(|c| c.finds_by_key(&options)),
            sink_mode: connector.and_then(|c| c.sink_mode(&options)),
            columns,
            watermark,
            primary_key,
            partition_keys,
            options,
            comment: create.comment.as_ref().map(|c| c.value.clone()),
            temporary: create.temporary,
            bad_of: None,
            definition: Arc::new(create.clone()),
        })
    }

    fn no_column(&self, name: &str) -> SqlError {
        let names: Vec<&str> = self.create.columns.iter().map(|c| c.name.value.as_str()).collect();
        let error = SqlError::new(format!("the table has no column '{name}'")).about(name);
        match dialect::did_you_mean(name, names.iter().copied()) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None => error.help(format!("there are: {}", names.join(", "))),
        }
    }

    /// Physical and metadata columns first, since computed ones are planned over them; then in declared order.
    fn columns(&self, primary_key: &[String]) -> SqlResult<Vec<TableColumn>> {
        let mut built: Vec<Option<TableColumn>> = vec![];
        let mut names = std::collections::HashSet::new();
        for column in &self.create.columns {
            let name = &column.name.value;
            if !names.insert(name.as_str()) {
                return Err(SqlError::new(format!("two columns are called '{name}'")).about(name));
            }
            let comment = column.comment.as_ref().map(|c| c.value.clone());
            let stored = |ty: &crate::types::ColumnType, source| TableColumn {
                field: Arc::new(ty.ty.to_field(name, ty.nullable && !primary_key.contains(name))),
                sql_type: ty.ty.clone(),
                source,
                comment: comment.clone(),
            };
            built.push(match &column.kind {
                ColumnKind::Physical(ty) => Some(stored(ty, ColumnSource::Physical)),
                ColumnKind::Metadata { column, key, is_virtual } => {
                    let key = key.as_ref().map_or_else(|| name.clone(), |k| k.value.clone());
                    Some(stored(column, ColumnSource::Metadata { key, is_virtual: *is_virtual }))
                }
                ColumnKind::Computed(_) => None,
                ColumnKind::NameOnly => return Err(SqlError::new(format!("column '{name}' has no type")).about(name)),
            });
        }
        let fields = built.iter().flatten().map(|c| (None, c.field.clone())).collect();
        let schema = DFSchema::new_with_metadata(fields, HashMap::new())?;
        let mut columns = vec![];
        for (column, built) in self.create.columns.iter().zip(built) {
            columns.push(match (built, &column.kind) {
                (Some(built), _) => built,
                (None, ColumnKind::Computed(written)) => self.computed(column, written, &schema)?,
                (None, _) => return Err(SqlError::new("only computed columns are planned late")),
            });
        }
        Ok(columns)
    }

    fn computed(&self, column: &dialect::Column, written: &dialect::WrittenExpr, schema: &DFSchema) -> SqlResult<TableColumn> {
        let expr = PlanContext::new(&self.session.catalog).expression(&written.expr, schema)?;
        let (_, field) = expr.to_field(schema)?;
        let mut field: Field = field.as_ref().clone().with_name(&column.name.value);
        if matches!(&expr, Expr::ScalarFunction(f) if f.func.name() == "proctime") {
            field = with_time_attribute(&field, PROCTIME);
        }
        let (sql_type, _) = FlinkType::from_field(&field);
        Ok(TableColumn {
            field: Arc::new(field),
            sql_type,
            source: ColumnSource::Computed { expr, text: written.text.clone() },
            comment: column.comment.as_ref().map(|c| c.value.clone()),
        })
    }

    fn watermark(&self, columns: &mut [TableColumn]) -> SqlResult<Option<TableWatermark>> {
        let watermark = match self.create.watermarks.as_slice() {
            [] => return Ok(None),
            [one] => one,
            _ => return Err(SqlError::new("a table has one watermark at the most").about("WATERMARK")),
        };
        let name = match watermark.column.as_slice() {
            [name] => name.value.clone(),
            path => {
                let path: Vec<&str> = path.iter().map(|p| p.value.as_str()).collect();
                return Err(SqlError::not_yet("a watermark on a nested field")
                    .about(path[0])
                    .help(format!("declare ts AS {} and WATERMARK FOR ts", path.join("."))));
            }
        };
        let Some(at) = columns.iter().position(|c| *c.field.name() == name) else { return Err(self.no_column(&name)) };
        if !can_be_rowtime(columns[at].field.data_type()) {
            return Err(SqlError::new(format!(
                "event time must be TIMESTAMP(3) or TIMESTAMP_LTZ(3), but '{name}' is {}",
                columns[at].sql_type
            ))
            .about(&name)
            .help(format!("declare {name} TIMESTAMP(3), or a column AS CAST({name} AS TIMESTAMP(3)) and its watermark")));
        }
        columns[at].field = Arc::new(with_time_attribute(&columns[at].field, ROWTIME));
        let fields = columns.iter().map(|c| (None, c.field.clone())).collect();
        let schema = DFSchema::new_with_metadata(fields, HashMap::new())?;
        if watermark.expr.text.to_ascii_uppercase().contains("SOURCE_WATERMARK") {
            return Err(SqlError::not_yet("SOURCE_WATERMARK()")
                .about("SOURCE_WATERMARK")
                .help(format!("write WATERMARK FOR {name} AS {name} - INTERVAL '5' SECOND")));
        }
        let expr = PlanContext::new(&self.session.catalog).expression(&watermark.expr.expr, &schema)?;
        let data_type = expr.get_type(&schema)?;
        if !matches!(data_type, arrow::datatypes::DataType::Timestamp(..)) {
            return Err(SqlError::new(format!("a watermark must be a timestamp, not {}", FlinkType::from_arrow(&data_type))).about(&name));
        }
        Ok(Some(TableWatermark { column: at, expr, text: watermark.expr.text.clone() }))
    }
}
