//! Functions of the user in a session: registered by a program, or by CREATE FUNCTION.

use std::sync::Arc;

use super::{Effect, Session};
use crate::dialect::{CreateFunction, Drop, FunctionScope};
use crate::error::{SqlError, SqlResult};
use crate::own::{Code, Definition, Functions, Language, Signature};

/// Flink's option for where Python looks for modules.
const PYTHON_FILES: &str = "python.files";

impl Session {
    /// Makes functions of a program known to SQL.
    pub fn register(&mut self, functions: Functions) {
        for (name, signature, code) in functions.into_all() {
            self.catalog.functions.add_system(&name, signature, code);
        }
    }

    /// Says who finds functions for `LANGUAGE PYTHON`.
    pub fn set_python(&mut self, python: Arc<dyn Language>) {
        self.python = Some(python);
    }

    pub(super) fn create_function(&mut self, create: &CreateFunction) -> SqlResult<Effect> {
        let path = self.path(&create.name)?;
        let system = create.scope == FunctionScope::TemporarySystem;
        let functions = &self.catalog.functions;
        if if system { functions.has_system(&path.name) } else { functions.has_named(&path) } {
            if create.if_not_exists {
                return Effect::done(format!("function {} is there already", path.name));
            }
            return Err(SqlError::new(format!("a function called '{}' is there already", path.name))
                .about(&path.name)
                .help("drop it first, or write IF NOT EXISTS"));
        }
        let (signature, code) = self.load(create, &path.name)?;
        match system {
            true => self.catalog.functions.add_system(&path.name, signature, code),
            false => self.catalog.functions.add_named(&path, signature, code),
        }
        Effect::done(format!("function {}", path.name))
    }

    fn load(&self, create: &CreateFunction, name: &str) -> SqlResult<(Signature, Code)> {
        let language = create.language.as_deref().unwrap_or("JAVA");
        if !["PYTHON", "JAVA", "SCALA"].contains(&language) {
            return Err(SqlError::new(format!("there is no language {language} for functions"))
                .about(language)
                .help("write LANGUAGE PYTHON; functions in Rust are registered with the library"));
        }
        if language != "PYTHON" {
            let what = if create.language.is_some() { language } else { "JAVA, which is meant when no LANGUAGE is written," };
            return Err(SqlError::new(format!("functions in {what} need a Java virtual machine, and there is none here"))
                .about(create.language.as_deref().unwrap_or(name))
                .help("write it in Python and CREATE FUNCTION … LANGUAGE PYTHON, or in Rust with the library"));
        }
        let Some(python) = &self.python else {
            return Err(SqlError::new("this flott was built without Python")
                .about("PYTHON")
                .help("build it with Python: cargo install --path crates/flott --features python"));
        };
        let files = self.options.get(PYTHON_FILES).unwrap_or_default();
        let search_path = files.split(',').map(str::trim).filter(|f| !f.is_empty()).map(str::to_string).collect();
        let definition = Definition { name: name.to_string(), identifier: create.identifier.value.clone(), search_path };
        python.load(&definition).map_err(|e| SqlError { word: e.word.clone().or(Some(create.identifier.value.clone())), ..e })
    }

    pub(super) fn drop_function(&mut self, drop: &Drop) -> SqlResult<Effect> {
        let path = self.path(&drop.name)?;
        let functions = &mut self.catalog.functions;
        let dropped = if drop.system { functions.drop_system(&path.name) } else { functions.drop_named(&path) };
        if !dropped && !drop.if_exists {
            let built_in = !drop.system && functions.has_system(&path.name);
            let error = SqlError::new(format!("there is no function '{}' to drop", path.name)).about(&path.name);
            return Err(if built_in { error.help("write DROP TEMPORARY SYSTEM FUNCTION") } else { error.help("write IF EXISTS") });
        }
        Effect::done(format!("dropped {}", path.name))
    }
}
