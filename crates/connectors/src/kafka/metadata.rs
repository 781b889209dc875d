//! What is known of a message besides its key and its value.

use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, Field, TimeUnit};
use flott_engine::connector::MetadataInfo;

/// The metadata columns and their types.
pub fn all() -> &'static [MetadataInfo] {
    static ALL: OnceLock<Vec<MetadataInfo>> = OnceLock::new();
    ALL.get_or_init(|| {
        vec![
            MetadataInfo { key: "topic", data_type: DataType::Utf8 },
            MetadataInfo { key: "partition", data_type: DataType::Int32 },
            MetadataInfo { key: "headers", data_type: headers_type() },
            MetadataInfo { key: "leader-epoch", data_type: DataType::Int32 },
            MetadataInfo { key: "offset", data_type: DataType::Int64 },
            MetadataInfo { key: "timestamp", data_type: DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())) },
            MetadataInfo { key: "timestamp-type", data_type: DataType::Utf8 },
        ]
    })
}

/// `MAP<STRING, BYTES>`.
pub fn headers_type() -> DataType {
    let entries = vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Binary, true)];
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries.into()), false)), false)
}
