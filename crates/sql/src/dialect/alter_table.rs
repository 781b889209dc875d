//! `ALTER TABLE`.

use sqlparser::ast::Ident;
use sqlparser::tokenizer::Token;

use super::create_table::options;
use super::cursor::{Step, at, eat, eat_all, expect, expected, here, ident, list, object_name, string};
use super::grammar::Grammar;
use super::statement::{AlterTable, AlterTableAction, CreateTable, Statement};

/// What `ADD` and `MODIFY` bring.
#[derive(Debug, Clone)]
pub struct TableChange {
    /// Columns, watermark and primary key.
    pub table: CreateTable,
    /// Where each of the columns goes.
    pub places: Vec<Place>,
}

/// Where a column goes.
#[derive(Debug, Clone)]
pub enum Place {
    /// To the end, or where it was.
    Default,
    First,
    After(Ident),
}

/// What `DROP` takes away.
#[derive(Debug, Clone)]
pub enum Dropped {
    Columns(Vec<Ident>),
    Watermark,
    /// With the name of the constraint, if it was written.
    PrimaryKey(Option<Ident>),
}

impl Grammar<'_> {
    /// `ALTER TABLE` after the word `TABLE`.
    pub(super) fn alter_table(&mut self) -> Step<Statement> {
        let if_exists = self.if_exists()?;
        let name = object_name(&mut self.p, "the table's name")?;
        let action = self.alter_table_action()?;
        Ok(Statement::AlterTable(AlterTable { name, if_exists, action }))
    }

    fn alter_table_action(&mut self) -> Step<AlterTableAction> {
        for what in ["PARTITION", "DISTRIBUTION"] {
            if let Some(word) = ["ADD", "MODIFY", "DROP"].into_iter().find(|word| super::cursor::at_all(&self.p, &[word, what])) {
                let span = here(&self.p);
                self.skip_rest();
                return Ok(AlterTableAction::Unsupported { what: format!("ALTER TABLE ... {word} {what}"), span });
            }
        }
        let p = &mut self.p;
        if eat(p, "RENAME") {
            if eat(p, "TO") {
                return Ok(AlterTableAction::RenameTo(object_name(p, "the new name")?));
            }
            let from = ident(p, "a column")?;
            expect(p, "TO")?;
            return Ok(AlterTableAction::RenameColumn { from, to: ident(p, "the new name")? });
        }
        if eat(p, "SET") {
            return options(p).map(AlterTableAction::Set);
        }
        if eat(p, "RESET") {
            return list(p, |p| string(p, "an option")).map(AlterTableAction::Reset);
        }
        if eat(p, "ADD") {
            return self.changes().map(|change| AlterTableAction::Add(Box::new(change)));
        }
        if eat(p, "MODIFY") {
            return self.changes().map(|change| AlterTableAction::Modify(Box::new(change)));
        }
        if eat(p, "DROP") {
            return self.dropped().map(AlterTableAction::Drop);
        }
        let words = ["RENAME", "SET", "RESET", "ADD", "MODIFY", "DROP"];
        Err(expected(p, "`RENAME`, `SET`, `RESET`, `ADD`, `MODIFY` or `DROP`", &words))
    }

    /// One element of a table, or several in brackets.
    fn changes(&mut self) -> Step<TableChange> {
        let mut change = TableChange { table: CreateTable::empty(), places: vec![] };
        if !self.p.consume_token(&Token::LParen) {
            self.change(&mut change)?;
            return Ok(change);
        }
        loop {
            self.change(&mut change)?;
            if self.p.consume_token(&Token::RParen) {
                return Ok(change);
            }
            if !self.p.consume_token(&Token::Comma) {
                return Err(expected(&self.p, "`,` or `)` after the column", &["FIRST", "AFTER", "COMMENT"]));
            }
        }
    }

    fn change(&mut self, change: &mut TableChange) -> Step<()> {
        self.element(&mut change.table)?;
        if change.table.columns.len() > change.places.len() {
            change.places.push(match () {
                () if eat(&mut self.p, "FIRST") => Place::First,
                () if eat(&mut self.p, "AFTER") => Place::After(ident(&mut self.p, "a column")?),
                () => Place::Default,
            });
        }
        Ok(())
    }

    fn dropped(&mut self) -> Step<Dropped> {
        let p = &mut self.p;
        if eat_all(p, &["PRIMARY", "KEY"]) {
            return Ok(Dropped::PrimaryKey(None));
        }
        if eat(p, "CONSTRAINT") {
            return Ok(Dropped::PrimaryKey(Some(ident(p, "the constraint's name")?)));
        }
        if at(p, "WATERMARK") {
            p.advance_token();
            return Ok(Dropped::Watermark);
        }
        if p.peek_token_ref().token == Token::LParen {
            return list(p, |p| ident(p, "a column")).map(Dropped::Columns);
        }
        Ok(Dropped::Columns(vec![ident(p, "a column")?]))
    }
}
