"""Flott's half in Python: finds functions and calls them with Arrow batches.

A script is to run on Flink unchanged. So the names that PyFlink has for declaring functions are here too, as far as functions
need them, under the names of its modules. They take the place of an installed PyFlink: importing that one would start a Java machine.
"""

import importlib
import sys
import traceback
import types

import pyarrow as pa


class DataType:
    """A type of SQL."""

    def __init__(self, sql, nullable=True):
        self._sql, self._nullable = sql, nullable

    def not_null(self):
        return DataType(self._sql, False)

    def nullable(self):
        return DataType(self._sql, True)

    def __str__(self):
        return self._sql if self._nullable else self._sql + " NOT NULL"


class DataTypes:
    """Makes types, each under its name in SQL."""

    @staticmethod
    def DECIMAL(precision, scale, nullable=True):
        return DataType(f"DECIMAL({precision}, {scale})", nullable)

    @staticmethod
    def ARRAY(element, nullable=True):
        return DataType(f"ARRAY<{element}>", nullable)

    @staticmethod
    def MAP(key, value, nullable=True):
        return DataType(f"MAP<{key}, {value}>", nullable)

    @staticmethod
    def ROW(fields=(), nullable=True):
        named = [f if isinstance(f, tuple) else (f"f{i}", f) for i, f in enumerate(fields)]
        return DataType("ROW<" + ", ".join(f"`{name}` {of}" for name, of in named) + ">", nullable)

    @staticmethod
    def FIELD(name, data_type, description=None):
        return (name, data_type)


def _plain(name):
    return staticmethod(lambda nullable=True: DataType(name, nullable))


def _sized(name, default):
    return staticmethod(lambda size=default, nullable=True: DataType(f"{name}({size})", nullable))


for _name in "BOOLEAN TINYINT SMALLINT INT BIGINT FLOAT DOUBLE STRING BYTES DATE".split():
    setattr(DataTypes, _name, _plain(_name))
for _name, _default in {"CHAR": 1, "VARCHAR": 1, "BINARY": 1, "VARBINARY": 1, "TIME": 0, "TIMESTAMP": 6, "TIMESTAMP_LTZ": 6}.items():
    setattr(DataTypes, _name, _sized(_name, _default))


class Declared:
    """A function with what its decorator says."""

    def __init__(self, code, inputs, result, deterministic, name, form, table):
        if isinstance(code, type):
            code = code()
        self.code = getattr(code, "eval", code)
        if hasattr(code, "open"):
            code.open(None)
        said = getattr(code, "is_deterministic", lambda: True)()
        self.deterministic = said if deterministic is None else deterministic
        inputs = [inputs] if inputs is not None and not isinstance(inputs, (list, tuple)) else inputs
        self.inputs = None if inputs is None else [str(i) for i in inputs]
        if table and isinstance(result, (list, tuple)):
            result = result[0] if len(result) == 1 else DataTypes.ROW(list(result))
        self.result, self.form, self.table = None if result is None else str(result), form, table
        self.__name__ = name or getattr(code, "__name__", type(code).__name__)

    def __call__(self, *args):
        return self.code(*args)


def udf(f=None, input_types=None, result_type=None, deterministic=None, name=None, func_type="general", udf_type=None):
    """Declares a scalar function. `func_type`: 'general' is called for each row with Python's values, 'pandas' for each batch with
    Series, and 'arrow', which Flink does not have, for each batch with Arrow arrays."""
    form = udf_type or func_type
    if form not in ("general", "pandas", "arrow"):
        raise ValueError(f"func_type is 'general', 'pandas' or 'arrow', not {form!r}")

    def declare(code):
        return Declared(code, input_types, result_type, deterministic, name, form, False)

    return declare if f is None else declare(f)


def udtf(f=None, input_types=None, result_types=None, deterministic=None, name=None):
    """Declares a table function: called for each row, it yields rows as tuples, or values where there is one column."""

    def declare(code):
        return Declared(code, input_types, result_types, deterministic, name, "general", True)

    return declare if f is None else declare(f)


def udaf(*args, **options):
    raise NotImplementedError("aggregate functions in Python are not supported by Flott: write them in Rust")


class UserDefinedFunction:
    def open(self, function_context):
        pass

    def close(self):
        pass

    def is_deterministic(self):
        return True


class ScalarFunction(UserDefinedFunction):
    pass


class TableFunction(UserDefinedFunction):
    pass


def _install():
    """Puts these names where scripts import them from."""
    table, declaring = types.ModuleType("pyflink.table"), types.ModuleType("pyflink.table.udf")
    of_types, package = types.ModuleType("pyflink.table.types"), types.ModuleType("pyflink")
    for module in (table, declaring):
        for name in (udf, udtf, udaf, ScalarFunction, TableFunction):
            setattr(module, name.__name__, name)
    for module in (table, of_types):
        module.DataTypes = DataTypes
    package.__path__, table.__path__ = [], []
    package.table, table.udf_module, table.types = table, declaring, of_types
    for module in (package, table, declaring, of_types):
        sys.modules[module.__name__] = module


_install()


def _told(error):
    """An exception with the lines that led to it, without ours."""
    lines = traceback.extract_tb(error.__traceback__)
    own = [line for line in lines if line.filename != __file__]
    head = traceback.format_exception_only(type(error), error)
    return "".join(head).strip() + "\n" + "".join(traceback.format_list(own)).rstrip()


def _native(of):
    """What makes Python's usual value of what pyarrow gives; None: nothing to do. A MAP comes as pairs and becomes a dict."""
    if pa.types.is_map(of):
        key, item = _native(of.key_type) or (lambda v: v), _native(of.item_type) or (lambda v: v)
        return lambda pairs: None if pairs is None else {key(k): item(v) for k, v in pairs}
    if pa.types.is_list(of):
        element = _native(of.value_type)
        return element and (lambda values: None if values is None else [element(v) for v in values])
    return None


def _values(column):
    values, native = column.to_pylist(), _native(column.type)
    return [native(v) for v in values] if native else values


class Function:
    """A function, ready to be called."""

    def __init__(self, declared):
        self.declared, self.schema = declared, None

    def expect(self, schema):
        """What the results are to be, as an Arrow schema in an IPC stream."""
        self.schema = pa.ipc.open_stream(schema).schema

    def call(self, data, rows):
        """From a batch of arguments to a batch of results, both as IPC streams; or what went wrong."""
        try:
            columns = pa.ipc.open_stream(data).read_next_batch().columns
            results = self._rows(columns, rows) if self.declared.table else [self._column(columns, rows)]
            batch = pa.RecordBatch.from_arrays(results, schema=self.schema)
            out = pa.BufferOutputStream()
            with pa.ipc.new_stream(out, batch.schema) as stream:
                stream.write_batch(batch)
            return True, out.getvalue().to_pybytes()
        except BaseException as error:
            return False, _told(error).encode()

    def _column(self, columns, rows):
        code, wanted = self.declared.code, self.schema.field(0).type
        if self.declared.form == "general":
            values = [_values(column) for column in columns]
            return pa.array([code(*row) for row in zip(*values)] if values else [code() for _ in range(rows)], type=wanted)
        if self.declared.form == "pandas":
            return pa.Array.from_pandas(code(*[column.to_pandas() for column in columns]), type=wanted)
        result = code(*columns)
        if isinstance(result, pa.ChunkedArray):
            result = result.combine_chunks()
        if isinstance(result, pa.Scalar):
            result = pa.array([result.as_py()] * rows, type=wanted)
        return result if result.type == wanted else result.cast(wanted)

    def _rows(self, columns, rows):
        values = [_values(column) for column in columns]
        width, of, made = len(self.schema) - 1, [], []
        for number, row in enumerate(zip(*values) if values else [()] * rows):
            for one in self.declared.code(*row) or ():
                one = tuple(one) if isinstance(one, (tuple, list)) else (one,)
                if len(one) != width:
                    raise ValueError(f"a row of {len(one)} values where {width} are declared: {one!r}")
                of.append(number)
                made.append(one)
        columns = zip(*made) if made else [()] * width
        return [pa.array(of, type=pa.uint32())] + [pa.array(c, type=f.type) for c, f in zip(columns, list(self.schema)[1:])]


def load(identifier, search_path):
    """The function that `module.function` names."""
    try:
        for folder in reversed(list(search_path) + [""]):
            if folder not in sys.path:
                sys.path.insert(0, folder)
        module, _, name = identifier.rpartition(".")
        if not module:
            return False, f"'{identifier}' names no module: write 'module.function'"
        declared = getattr(importlib.import_module(module), name, None)
        if declared is None:
            return False, f"the module '{module}' has no '{name}'"
        if not isinstance(declared, Declared) or declared.result is None:
            return False, f"'{identifier}' does not say what it gives: put @udf(result_type='BIGINT') of pyflink.table.udf before it"
        return True, Function(declared)
    except BaseException as error:
        return False, _told(error)
