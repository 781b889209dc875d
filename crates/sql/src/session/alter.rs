//! ALTER TABLE: the table is built anew from its definition with the changes in it.

use std::sync::Arc;

use super::{Effect, Session};
use crate::catalog::{Object, Table};
use crate::dialect::{AlterTable, AlterTableAction as Action, Column, CreateTable, Dropped, Place, TableChange};
use crate::error::{SqlError, SqlResult};

impl Session {
    pub(super) fn alter_table(&mut self, alter: &AlterTable) -> SqlResult<Effect> {
        let path = self.path(&alter.name)?;
        if alter.if_exists && !self.catalog.contains(&path) {
            return Effect::done("nothing to alter");
        }
        let Object::Table(table) = self.catalog.get(&path)?.clone() else {
            return Err(SqlError::new(format!("'{}' is a view", path.name)).about(&path.name).help("write ALTER VIEW"));
        };
        let mut create = table.definition.as_ref().clone();
        let mut target = path.clone();
        match &alter.action {
            Action::RenameTo(name) => {
                target = self.path(name)?;
                if self.catalog.contains(&target) {
                    return Err(SqlError::new(format!("'{}' is there already", target.name)).about(&target.name));
                }
            }
            Action::Set(entries) => {
                for entry in entries {
                    create.options.retain(|o| o.key.value != entry.key.value);
                    create.options.push(entry.clone());
                }
            }
            Action::Reset(keys) => create.options.retain(|o| !keys.iter().any(|k| k.value == o.key.value)),
            Action::RenameColumn { from, to } => rename(&mut create, &table, &from.value, to)?,
            Action::Add(change) => add(&mut create, change)?,
            Action::Modify(change) => modify(&mut create, change)?,
            Action::Drop(dropped) => drop_from(&mut create, &table, dropped)?,
            Action::Unsupported { what, .. } => return Err(SqlError::not_yet(what)),
        }
        let table = self.build_table(&create, target.clone())?;
        self.catalog.remove(&path)?;
        self.catalog.add(&target, Object::Table(Arc::new(table)), true)?;
        Effect::done(format!("table {}", target.name))
    }
}

fn position(create: &CreateTable, name: &str) -> SqlResult<usize> {
    create.columns.iter().position(|c| c.name.value == name).ok_or_else(|| {
        let names: Vec<&str> = create.columns.iter().map(|c| c.name.value.as_str()).collect();
        let error = SqlError::new(format!("the table has no column '{name}'")).about(name);
        match crate::dialect::did_you_mean(name, names.iter().copied()) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None => error.help(format!("there are: {}", names.join(", "))),
        }
    })
}

/// A column that the watermark or the partitions go by cannot be taken away or renamed.
fn check_free(create: &CreateTable, table: &Table, name: &str) -> SqlResult<()> {
    let of_watermark = table.watermark.as_ref().is_some_and(|w| table.columns[w.column].field.name() == name);
    let of_partition = create.partitioned_by.iter().any(|c| c.value == name);
    match (of_watermark, of_partition) {
        (true, _) => Err(SqlError::new(format!("the watermark is for column '{name}'")).about(name).help("change the watermark first")),
        (_, true) => Err(SqlError::new(format!("the table is partitioned by column '{name}'")).about(name)),
        _ => Ok(()),
    }
}

fn rename(create: &mut CreateTable, table: &Table, from: &str, to: &sqlparser::ast::Ident) -> SqlResult<()> {
    let at = position(create, from)?;
    check_free(create, table, from)?;
    if create.columns.iter().any(|c| c.name.value == to.value) {
        return Err(SqlError::new(format!("column '{}' is there already", to.value)).about(&to.value));
    }
    create.columns[at].name = to.clone();
    for column in create.primary_key.iter_mut().flat_map(|key| &mut key.columns).filter(|c| c.value == from) {
        *column = to.clone();
    }
    Ok(())
}

fn insert(create: &mut CreateTable, column: &Column, place: &Place, default: usize) -> SqlResult<()> {
    let at = match place {
        Place::First => 0,
        Place::After(name) => position(create, &name.value)? + 1,
        Place::Default => default.min(create.columns.len()),
    };
    create.columns.insert(at, column.clone());
    Ok(())
}

fn add(create: &mut CreateTable, change: &TableChange) -> SqlResult<()> {
    for (column, place) in change.table.columns.iter().zip(&change.places) {
        let name = &column.name.value;
        if create.columns.iter().any(|c| c.name.value == *name) {
            return Err(SqlError::new(format!("column '{name}' is there already")).about(name).help("write MODIFY to change it"));
        }
        insert(create, column, place, usize::MAX)?;
    }
    if !change.table.watermarks.is_empty() && !create.watermarks.is_empty() {
        return Err(SqlError::new("the table has a watermark already").about("WATERMARK").help("write MODIFY to change it"));
    }
    if change.table.primary_key.is_some() && create.primary_key.is_some() {
        return Err(SqlError::new("the table has a primary key already").about("PRIMARY").help("write MODIFY to change it"));
    }
    take_over(create, change);
    Ok(())
}

fn modify(create: &mut CreateTable, change: &TableChange) -> SqlResult<()> {
    for (column, place) in change.table.columns.iter().zip(&change.places) {
        let at = position(create, &column.name.value)?;
        create.columns.remove(at);
        insert(create, column, place, at)?;
    }
    if !change.table.watermarks.is_empty() && create.watermarks.is_empty() {
        return Err(SqlError::new("the table has no watermark").about("WATERMARK").help("write ADD"));
    }
    if change.table.primary_key.is_some() && create.primary_key.is_none() {
        return Err(SqlError::new("the table has no primary key").about("PRIMARY").help("write ADD"));
    }
    take_over(create, change);
    Ok(())
}

fn take_over(create: &mut CreateTable, change: &TableChange) {
    if !change.table.watermarks.is_empty() {
        create.watermarks = change.table.watermarks.clone();
    }
    if change.table.primary_key.is_some() {
        create.primary_key = change.table.primary_key.clone();
    }
}

fn drop_from(create: &mut CreateTable, table: &Table, dropped: &Dropped) -> SqlResult<()> {
    match dropped {
        Dropped::Columns(names) => {
            for name in names {
                let at = position(create, &name.value)?;
                check_free(create, table, &name.value)?;
                if create.primary_key.iter().flat_map(|key| &key.columns).any(|c| c.value == name.value) {
                    let error = SqlError::new(format!("column '{}' is in the primary key", name.value)).about(&name.value);
                    return Err(error.help("drop the primary key first"));
                }
                create.columns.remove(at);
            }
        }
        Dropped::Watermark if create.watermarks.is_empty() => return Err(SqlError::new("the table has no watermark").about("WATERMARK")),
        Dropped::Watermark => create.watermarks.clear(),
        Dropped::PrimaryKey(name) => {
            let own = create.primary_key.take();
            let fits = |key: &crate::dialect::PrimaryKey| match (name, &key.name) {
                (None, _) => true,
                (Some(name), Some(own)) => own.value == name.value,
                (Some(_), None) => false,
            };
            if !own.is_some_and(|key| fits(&key)) {
                return Err(match name {
                    Some(name) => SqlError::new(format!("the table has no constraint '{}'", name.value)).about(&name.value),
                    None => SqlError::new("the table has no primary key").about("PRIMARY"),
                });
            }
        }
    }
    Ok(())
}
