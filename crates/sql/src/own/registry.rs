//! Which functions of the user there are, and which one a name means.

use datafusion_expr::{AggregateUDF, ScalarUDF};
use flott_engine::aggregate::Aggregate;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Code, ScalarFunction, Signature, TableFunction, aggregate, scalar};
use crate::catalog::ObjectPath;
use crate::error::SqlResult;

/// Functions that a program brings. In SQL they are temporary system functions: their names, in which case does not
/// matter, go before those of built-in functions.
#[derive(Clone, Default)]
pub struct Functions(Vec<(String, Signature, Code)>);

impl Functions {
    /// Adds a scalar function; a closure does.
    pub fn scalar(&mut self, name: &str, signature: Signature, code: impl ScalarFunction + 'static) -> &mut Self {
        self.add(name, signature, Code::Scalar(Arc::new(code)))
    }

    /// Adds an aggregate function.
    pub fn aggregate(&mut self, name: &str, signature: Signature, code: impl Aggregate + 'static) -> &mut Self {
        self.add(name, signature, Code::Aggregate(Arc::new(code)))
    }

    /// Adds a table function; a closure does.
    pub fn table(&mut self, name: &str, signature: Signature, code: impl TableFunction + 'static) -> &mut Self {
        self.add(name, signature, Code::Table(Arc::new(code)))
    }

    fn add(&mut self, name: &str, signature: Signature, code: Code) -> &mut Self {
        self.0.push((name.to_string(), signature, code));
        self
    }

    pub(crate) fn into_all(self) -> Vec<(String, Signature, Code)> {
        self.0
    }
}

/// A function as `CREATE FUNCTION` names it.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Its name in SQL.
    pub name: String,
    /// What stands behind AS: `module.function`.
    pub identifier: String,
    /// Folders and files in which the language looks for modules: the option `python.files`.
    pub search_path: Vec<String>,
}

/// A language in which `CREATE FUNCTION` finds functions.
pub trait Language: Send + Sync {
    /// Finds the function and says what it takes and gives.
    ///
    /// # Errors
    /// When there is none, or it does not say what it gives.
    fn load(&self, definition: &Definition) -> SqlResult<(Signature, Code)>;
}

/// A function for the planner.
#[derive(Debug, Clone)]
pub(crate) enum Planned {
    Scalar(Arc<ScalarUDF>),
    Aggregate(Arc<AggregateUDF>),
    Table(Arc<ScalarUDF>),
}

/// What the functions that table functions become are looked up by.
const TABLE_PREFIX: &str = "$table_";

/// The functions of a session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registry {
    /// Temporary system functions, by name in lower case.
    system: BTreeMap<String, Planned>,
    /// Functions of catalogs, their names in lower case; whether they are temporary makes no difference in memory.
    named: BTreeMap<ObjectPath, Planned>,
}

impl Registry {
    /// The name under which the function of a table function is found.
    pub fn table_name(name: &str) -> String {
        format!("{TABLE_PREFIX}{name}")
    }

    /// Adds a temporary system function.
    pub fn add_system(&mut self, name: &str, signature: Signature, code: Code) {
        self.system.insert(name.to_lowercase(), planned(name, signature, code));
    }

    /// Adds a function of a catalog.
    pub fn add_named(&mut self, path: &ObjectPath, signature: Signature, code: Code) {
        self.named.insert(lower(path), planned(&path.name, signature, code));
    }

    pub fn has_system(&self, name: &str) -> bool {
        self.system.contains_key(&name.to_lowercase())
    }

    pub fn has_named(&self, path: &ObjectPath) -> bool {
        self.named.contains_key(&lower(path))
    }

    /// Tells whether there was one.
    pub fn drop_system(&mut self, name: &str) -> bool {
        self.system.remove(&name.to_lowercase()).is_some()
    }

    /// Tells whether there was one.
    pub fn drop_named(&mut self, path: &ObjectPath) -> bool {
        self.named.remove(&lower(path)).is_some()
    }

    /// Names of all that can be called in a database without naming it.
    pub fn names(&self, catalog: &str, database: &str) -> Vec<String> {
        let here = self.named.keys().filter(|p| p.catalog == catalog && p.database == database).map(|p| p.name.clone());
        let mut names: Vec<String> = self.system.keys().cloned().chain(here).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The system function of that name.
    pub fn system(&self, name: &str) -> Option<&Planned> {
        self.system.get(&name.to_lowercase())
    }

    /// The function at that path.
    pub fn named(&self, path: &ObjectPath) -> Option<&Planned> {
        self.named.get(&lower(path))
    }

    /// The name that a call asks for, and whether it is the function of a table function.
    pub fn asked(name: &str) -> (&str, bool) {
        name.strip_prefix(TABLE_PREFIX).map_or((name, false), |rest| (rest, true))
    }
}

impl Planned {
    /// The scalar function, or that of a table function.
    pub fn scalar(&self, of_table: bool) -> Option<Arc<ScalarUDF>> {
        match self {
            Planned::Scalar(f) if !of_table => Some(f.clone()),
            Planned::Table(f) if of_table => Some(f.clone()),
            _ => None,
        }
    }

    pub fn aggregate(&self) -> Option<Arc<AggregateUDF>> {
        match self {
            Planned::Aggregate(f) => Some(f.clone()),
            _ => None,
        }
    }
}

fn lower(path: &ObjectPath) -> ObjectPath {
    ObjectPath { name: path.name.to_lowercase(), ..path.clone() }
}

fn planned(name: &str, signature: Signature, code: Code) -> Planned {
    match code {
        Code::Scalar(code) => Planned::Scalar(scalar::scalar(name, signature, code)),
        Code::Aggregate(code) => Planned::Aggregate(aggregate::aggregate(name, signature, code)),
        Code::Table(code) => Planned::Table(scalar::table(name, signature, code)),
    }
}
