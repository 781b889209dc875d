//! Functions in Python: the interpreter in this process, called with a batch at a time.
//!
//! What Python's side does is in `bridge.py`. Batches cross as Arrow IPC streams, which pyarrow reads without copying. Only one thread runs
//! Python at a time: several workers take turns.

use std::ffi::CString;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use flott_engine::{Error, Result};
use flott_sql::error::{SqlError, SqlResult};
use flott_sql::own::{Code, Definition, Language, Rows, ScalarFunction, Signature, TableFunction};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyModule};

const BRIDGE: &str = include_str!("bridge.py");
const BRIDGE_NAME: &str = "flott_bridge";

/// Finds functions for `LANGUAGE PYTHON`.
pub struct Python;

impl Language for Python {
    fn load(&self, definition: &Definition) -> SqlResult<(Signature, Code)> {
        pyo3::Python::attach(|py| find(py, definition))
    }
}

fn find(py: pyo3::Python<'_>, definition: &Definition) -> SqlResult<(Signature, Code)> {
    let wrong = |e: PyErr| SqlError::new(format!("Python: {}", e.value(py)));
    let bridge = bridge(py).map_err(|e| wrong(e).help("functions in Python need pyarrow: pip install pyarrow"))?;
    let loaded = bridge.call_method1("load", (&definition.identifier, &definition.search_path)).map_err(wrong)?;
    let (found, function): (bool, Bound<'_, PyAny>) = loaded.extract().map_err(wrong)?;
    if !found {
        let told: String = function.extract().map_err(wrong)?;
        return Err(
            SqlError::new(told).help("modules are looked for in the current folder, in the option 'python.files' and in PYTHONPATH")
        );
    }
    let declared = function.getattr("declared").map_err(wrong)?;
    let get = |name: &str| declared.getattr(name).map_err(wrong);
    let returns: String = get("result")?.extract().map_err(wrong)?;
    let inputs: Option<Vec<String>> = get("inputs")?.extract().map_err(wrong)?;
    let mut signature = match inputs {
        Some(inputs) => Signature::of(&inputs, &returns)?,
        None => Signature::any(&returns)?,
    };
    if !get("deterministic")?.extract::<bool>().map_err(wrong)? {
        signature = signature.not_deterministic();
    }
    let table: bool = get("table")?.extract().map_err(wrong)?;
    let schema = result_schema(&signature, table);
    let bytes = PyBytes::new(py, &stream(&RecordBatch::new_empty(schema))?);
    function.call_method1("expect", (bytes,)).map_err(wrong)?;
    let function = Function { object: function.unbind() };
    let code = if table { Code::Table(Arc::new(function)) } else { Code::Scalar(Arc::new(function)) };
    Ok((signature, code))
}

fn bridge(py: pyo3::Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    if let Ok(known) = py.import(BRIDGE_NAME) {
        return Ok(known);
    }
    let text = |text: &str| CString::new(text).map_err(|e| pyo3::exceptions::PyValueError::new_err(e.to_string()));
    PyModule::from_code(py, &text(BRIDGE)?, &text("bridge.py")?, &text(BRIDGE_NAME)?)
}

/// The columns that Python is to give: of a table function the numbers of rows first.
fn result_schema(signature: &Signature, table: bool) -> SchemaRef {
    let returns = signature.returns();
    let mut fields = vec![];
    if table {
        fields.push(Arc::new(Field::new("of", DataType::UInt32, false)));
    }
    match (returns.ty.to_arrow(), table) {
        (DataType::Struct(columns), true) => fields.extend(columns.iter().cloned()),
        (column, _) => fields.push(Arc::new(Field::new("result", column, true))),
    }
    Arc::new(Schema::new(fields))
}

/// A batch as an IPC stream.
fn stream(batch: &RecordBatch) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(vec![], &batch.schema())?;
    writer.write(batch)?;
    Ok(writer.into_inner()?)
}

/// A function of Python.
struct Function {
    object: Py<PyAny>,
}

impl Function {
    fn results(&self, args: &[ArrayRef], rows: usize) -> Result<RecordBatch> {
        let fields: Vec<Field> = args.iter().enumerate().map(|(i, a)| Field::new(format!("a{i}"), a.data_type().clone(), true)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), args.to_vec(), &options)?;
        let data = stream(&batch)?;
        let (went_well, data) = pyo3::Python::attach(|py| -> PyResult<(bool, Vec<u8>)> {
            let answer = self.object.bind(py).call_method1("call", (PyBytes::new(py, &data), rows))?;
            let (went_well, data): (bool, Bound<'_, PyBytes>) = answer.extract()?;
            Ok((went_well, data.as_bytes().to_vec()))
        })
        .map_err(|e| Error::data(e.to_string()))?;
        if !went_well {
            return Err(Error::data(String::from_utf8_lossy(&data)));
        }
        let mut batches = StreamReader::try_new(data.as_slice(), None)?;
        batches.next().ok_or_else(|| Error::internal("Python gave no batch"))?.map_err(Error::from)
    }
}

impl ScalarFunction for Function {
    fn call(&self, args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        Ok(self.results(args, rows)?.column(0).clone())
    }
}

impl TableFunction for Function {
    fn call(&self, args: &[ArrayRef], rows: usize) -> Result<Rows> {
        let results = self.results(args, rows)?;
        let of = results.column(0).as_primitive::<UInt32Type>().values().to_vec();
        Ok(Rows { of, columns: results.columns()[1..].to_vec() })
    }
}
