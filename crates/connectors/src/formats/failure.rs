//! What is wrong with a record of a binary format, and in which column.

use arrow::datatypes::{DataType, Fields};

/// What is wrong with a record.
#[derive(Debug)]
pub struct Failure {
    /// Numbers of the columns and fields around it, the innermost first.
    pub path: Vec<usize>,
    /// What is wrong.
    pub reason: String,
}

impl From<&'static str> for Box<Failure> {
    #[cold]
    fn from(reason: &'static str) -> Self {
        failure(reason)
    }
}

/// What is wrong, in no column yet.
#[cold]
pub fn failure(reason: impl Into<String>) -> Box<Failure> {
    Box::new(Failure { path: vec![], reason: reason.into() })
}

impl Failure {
    /// The same, within the column or field of that number.
    #[cold]
    pub fn within(mut self: Box<Self>, field: usize) -> Box<Self> {
        self.path.push(field);
        self
    }

    /// The name of the column, with those of the fields in it: `bid.price`.
    pub fn column(&self, fields: &Fields) -> Option<String> {
        let mut names: Vec<&str> = vec![];
        let mut fields = Some(fields);
        for i in self.path.iter().rev() {
            let Some(field) = fields.and_then(|fields| fields.get(*i)) else { break };
            names.push(field.name());
            fields = inner_fields(field.data_type());
        }
        (!names.is_empty()).then(|| names.join("."))
    }
}

fn inner_fields(data_type: &DataType) -> Option<&Fields> {
    match data_type {
        DataType::Struct(fields) => Some(fields),
        DataType::List(element) => inner_fields(element.data_type()),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(entry) => entry.get(1).and_then(|value| inner_fields(value.data_type())),
            _ => None,
        },
        _ => None,
    }
}
