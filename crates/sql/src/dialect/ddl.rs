//! `CREATE`, `DROP` and `ALTER` of everything but the inside of a table.

use sqlparser::ast::ObjectName;
use sqlparser::tokenizer::Token;

use super::create_table::{comment, options};
use super::cursor::{Step, at, at_all, eat, eat_all, eat_one_of, expect, expected, here, ident, list, object_name, string};
use super::error::fail_with_help;
use super::grammar::Grammar;
use super::statement::{
    AlterDatabase, AlterView, AlterViewAction, CreateCatalog, CreateDatabase, CreateFunction, CreateView, Drop, FunctionScope, ObjectKind,
    ReplaceMode, Statement,
};

/// What can be created, dropped and altered.
const OBJECTS: &[&str] = &["TABLE", "VIEW", "DATABASE", "CATALOG", "FUNCTION", "TEMPORARY", "MATERIALIZED", "MODEL", "CONNECTION"];

impl Grammar<'_> {
    /// `CREATE ...` and `REPLACE TABLE`.
    pub(super) fn create(&mut self) -> Step<Statement> {
        let start = here(&self.p);
        let replace = self.replace_mode()?;
        if at(&self.p, "MATERIALIZED") || at_all(&self.p, &["OR", "ALTER"]) {
            return Ok(self.not_supported("CREATE MATERIALIZED TABLE", 2));
        }
        let p = &mut self.p;
        let temporary = eat(p, "TEMPORARY");
        let system = eat(p, "SYSTEM");
        if system && !at(p, "FUNCTION") && !at(p, "CONNECTION") {
            return Err(expected(p, "`FUNCTION`", &["FUNCTION"]));
        }
        if eat(p, "TABLE") {
            return self.create_table(temporary, replace);
        }
        if replace != ReplaceMode::Create {
            let help = "only tables can be replaced; drop the object first";
            return Err(fail_with_help(start, "REPLACE is not possible here", help));
        }
        for what in ["MODEL", "CONNECTION"] {
            if at(p, what) {
                return Ok(self.not_supported(&format!("CREATE {what}"), 1));
            }
        }
        match eat_one_of(p, &["VIEW", "FUNCTION", "DATABASE", "CATALOG"]) {
            Some("VIEW") => self.create_view(temporary),
            Some("FUNCTION") => self.create_function(temporary, system),
            Some(word) if temporary => Err(expected_object(self, &format!("`TABLE`, `VIEW` or `FUNCTION` instead of {word}"))),
            Some("DATABASE") => self.create_database(),
            Some(_) => self.create_catalog(),
            None => Err(expected(p, "`TABLE`, `VIEW`, `FUNCTION`, `DATABASE` or `CATALOG`", OBJECTS)),
        }
    }

    fn replace_mode(&mut self) -> Step<ReplaceMode> {
        let p = &mut self.p;
        if eat(p, "REPLACE") {
            return Ok(ReplaceMode::Replace);
        }
        expect(p, "CREATE")?;
        if eat_all(p, &["OR", "REPLACE"]) {
            return Ok(ReplaceMode::CreateOrReplace);
        }
        if at(p, "OR") && !at_all(p, &["OR", "ALTER"]) {
            p.advance_token();
            return Err(expected(p, "`REPLACE`", &["REPLACE"]));
        }
        Ok(ReplaceMode::Create)
    }

    fn create_view(&mut self, temporary: bool) -> Step<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let p = &mut self.p;
        let name = object_name(p, "the view's name")?;
        let columns = match p.peek_token_ref().token {
            Token::LParen => list(p, |p| ident(p, "a column"))?,
            _ => vec![],
        };
        let comment = comment(p)?;
        expect(p, "AS")?;
        let query = self.written_query()?;
        Ok(Statement::CreateView(CreateView { name, temporary, if_not_exists, columns, comment, query }))
    }

    fn create_function(&mut self, temporary: bool, system: bool) -> Step<Statement> {
        let scope = match (temporary, system) {
            (_, true) => FunctionScope::TemporarySystem,
            (true, false) => FunctionScope::Temporary,
            (false, false) => FunctionScope::Catalog,
        };
        let if_not_exists = self.if_not_exists()?;
        let p = &mut self.p;
        let name = object_name(p, "the function's name")?;
        expect(p, "AS")?;
        let identifier = string(p, "the function's class")?;
        let language = match eat(p, "LANGUAGE") {
            true => Some(ident(p, "a language")?.value.to_ascii_uppercase()),
            false => None,
        };
        let mut resources = vec![];
        if eat(p, "USING") {
            loop {
                if eat_one_of(p, &["JAR", "ARTIFACT"]).is_none() {
                    return Err(expected(p, "`JAR` or `ARTIFACT`", &["JAR", "ARTIFACT"]));
                }
                resources.push(string(p, "a path")?);
                if !p.consume_token(&Token::Comma) {
                    break;
                }
            }
        }
        let options = if eat(p, "WITH") { options(p)? } else { vec![] };
        let function = CreateFunction { name, scope, if_not_exists, identifier, language, resources, options };
        Ok(Statement::CreateFunction(function))
    }

    fn create_database(&mut self) -> Step<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let p = &mut self.p;
        let name = object_name(p, "the database's name")?;
        let comment = comment(p)?;
        let options = if eat(p, "WITH") { options(p)? } else { vec![] };
        Ok(Statement::CreateDatabase(CreateDatabase { name, if_not_exists, comment, options }))
    }

    fn create_catalog(&mut self) -> Step<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let p = &mut self.p;
        let name = ident(p, "the catalog's name")?;
        let comment = comment(p)?;
        let options = if eat(p, "WITH") { options(p)? } else { vec![] };
        Ok(Statement::CreateCatalog(CreateCatalog { name, if_not_exists, comment, options }))
    }

    /// `DROP ...`.
    pub(super) fn drop_object(&mut self) -> Step<Statement> {
        if at_all(&self.p, &["DROP", "MATERIALIZED"]) {
            return Ok(self.not_supported("DROP MATERIALIZED TABLE", 3));
        }
        self.p.advance_token();
        let temporary = eat(&mut self.p, "TEMPORARY");
        let system = temporary && eat(&mut self.p, "SYSTEM");
        for what in ["MODEL", "CONNECTION"] {
            if at(&self.p, what) {
                return Ok(self.not_supported(&format!("DROP {what}"), 1));
            }
        }
        let kind = self.object_kind()?;
        let if_exists = self.if_exists()?;
        let name = object_name(&mut self.p, "a name")?;
        let mut cascade = false;
        if kind == ObjectKind::Database {
            cascade = eat_one_of(&mut self.p, &["RESTRICT", "CASCADE"]) == Some("CASCADE");
        }
        Ok(Statement::Drop(Drop { kind, name, if_exists, temporary, system, cascade }))
    }

    fn object_kind(&mut self) -> Step<ObjectKind> {
        match eat_one_of(&mut self.p, &["TABLE", "VIEW", "DATABASE", "CATALOG", "FUNCTION"]) {
            Some("TABLE") => Ok(ObjectKind::Table),
            Some("VIEW") => Ok(ObjectKind::View),
            Some("DATABASE") => Ok(ObjectKind::Database),
            Some("CATALOG") => Ok(ObjectKind::Catalog),
            Some(_) => Ok(ObjectKind::Function),
            None => Err(expected(&self.p, "`TABLE`, `VIEW`, `FUNCTION`, `DATABASE` or `CATALOG`", OBJECTS)),
        }
    }

    /// `ALTER ...`.
    pub(super) fn alter(&mut self) -> Step<Statement> {
        for what in ["CATALOG", "MODEL", "CONNECTION", "FUNCTION", "MATERIALIZED", "TEMPORARY"] {
            if at_all(&self.p, &["ALTER", what]) {
                let name = match what {
                    "MATERIALIZED" => "ALTER MATERIALIZED TABLE".to_string(),
                    "TEMPORARY" => "ALTER TEMPORARY FUNCTION".to_string(),
                    _ => format!("ALTER {what}"),
                };
                return Ok(self.not_supported(&name, 2));
            }
        }
        self.p.advance_token();
        match eat_one_of(&mut self.p, &["TABLE", "VIEW", "DATABASE"]) {
            Some("TABLE") => self.alter_table(),
            Some("VIEW") => self.alter_view(),
            Some(_) => {
                let name = object_name(&mut self.p, "the database's name")?;
                expect(&mut self.p, "SET")?;
                let options = options(&mut self.p)?;
                Ok(Statement::AlterDatabase(AlterDatabase { name, options }))
            }
            None => Err(expected(&self.p, "`TABLE`, `VIEW` or `DATABASE`", OBJECTS)),
        }
    }

    fn alter_view(&mut self) -> Step<Statement> {
        let name: ObjectName = object_name(&mut self.p, "the view's name")?;
        let action = if eat_all(&mut self.p, &["RENAME", "TO"]) {
            AlterViewAction::RenameTo(object_name(&mut self.p, "the new name")?)
        } else if eat(&mut self.p, "AS") {
            AlterViewAction::As(self.written_query()?)
        } else {
            return Err(expected(&self.p, "`RENAME TO` or `AS`", &["RENAME", "AS"]));
        };
        Ok(Statement::AlterView(AlterView { name, action }))
    }
}

fn expected_object(grammar: &Grammar<'_>, what: &str) -> sqlparser::parser::ParserError {
    expected(&grammar.p, what, &[])
}
