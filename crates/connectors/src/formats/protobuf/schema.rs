//! Finds the message of a table in a `.proto` file or in a set of descriptors.

use std::path::Path;

use flott_engine::{Error, Result};
use protox::file::{File, FileResolver};
use protox::prost_reflect::{DescriptorPool, FileDescriptor, MessageDescriptor, Value};

/// Reads the messages of a file: text if it is called `.proto`, else a `FileDescriptorSet` as `protoc --descriptor_set_out` writes it.
pub fn load(path: &str) -> Result<DescriptorPool> {
    let file = Path::new(path);
    if file.extension().is_some_and(|extension| extension == "proto") {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let cannot = |e: protox::Error| Error::config(format!("The file {path} cannot be read: {}", text_of(&e)));
        let mut compiler = protox::Compiler::new([folder]).map_err(cannot)?;
        compiler.include_imports(true).open_file(file).map_err(cannot)?;
        return Ok(compiler.descriptor_pool());
    }
    let bytes = std::fs::read(file).map_err(|e| Error::config(format!("Cannot read the file {path}: {e}")))?;
    DescriptorPool::decode(&bytes[..]).map_err(|e| {
        Error::config(format!("The file {path} is no set of descriptors: {e}"))
            .help("Give a .proto file, or what 'protoc --include_imports --descriptor_set_out=FILE' wrote")
    })
}

/// The message of a name in a text, which imports nothing.
pub fn parse(text: &str, message: &str) -> std::result::Result<MessageDescriptor, String> {
    let mut compiler = protox::Compiler::with_file_resolver(OneText(text.to_owned()));
    let pool = compiler.open_file("any.proto").map_err(|e| text_of(&e))?.descriptor_pool();
    pool.get_message_by_name(message).ok_or_else(|| format!("there is no message {message}"))
}

/// A text as the only file there is.
struct OneText(String);

impl FileResolver for OneText {
    fn open_file(&self, name: &str) -> std::result::Result<File, protox::Error> {
        if name == "any.proto" { File::from_source(name, &self.0) } else { Err(protox::Error::file_not_found(name)) }
    }
}

fn text_of(e: &protox::Error) -> String {
    let text = e.to_string();
    e.file().filter(|file| !text.contains(file)).map(|file| format!("{file}: {text}")).unwrap_or(text)
}

/// The message that a Java class name means: the class that protobuf's compiler would make of it, or else its own full name, or its
/// simple name if only one has it.
pub fn find(pool: &DescriptorPool, class_name: &str, path: &str) -> Result<MessageDescriptor> {
    let messages = || pool.all_messages().filter(|message| !message.is_map_entry());
    let class = class_name.replace('$', ".");
    if let Some(found) = messages().find(|message| java_name(message) == class).or_else(|| pool.get_message_by_name(&class)) {
        return Ok(found);
    }
    let simple = class.rsplit('.').next().unwrap_or_default();
    let mut named = messages().filter(|message| message.name() == simple && !message.full_name().starts_with("google.protobuf."));
    match (named.next(), named.next()) {
        (Some(found), None) => Ok(found),
        _ => {
            let known: Vec<String> =
                messages().filter(|m| !m.full_name().starts_with("google.protobuf.")).take(20).map(|m| m.full_name().to_owned()).collect();
            Err(Error::config(format!("The file {path} has no message '{class_name}'")).help(format!("There are {}", known.join(", "))))
        }
    }
}

/// The class that protobuf's compiler makes of a message, with points before nested ones.
fn java_name(message: &MessageDescriptor) -> String {
    let file = message.parent_file();
    let package = java_package(&file);
    let inside = message.full_name().strip_prefix(file.package_name()).unwrap_or(message.full_name()).trim_start_matches('.');
    let outer = if java_option_bool(&file, "java_multiple_files") { String::new() } else { outer_class(&file) };
    [package.as_str(), &outer, inside].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

fn java_option(file: &FileDescriptor, name: &str) -> Option<Value> {
    let options = file.options();
    options.has_field_by_name(name).then(|| options.get_field_by_name(name).map(|value| value.into_owned())).flatten()
}

fn java_option_bool(file: &FileDescriptor, name: &str) -> bool {
    java_option(file, name).and_then(|value| value.as_bool()).unwrap_or(false)
}

fn java_package(file: &FileDescriptor) -> String {
    let given = java_option(file, "java_package").and_then(|value| value.as_str().map(str::to_owned));
    given.unwrap_or_else(|| file.package_name().to_owned())
}

/// The class around all messages of a file.
fn outer_class(file: &FileDescriptor) -> String {
    if let Some(name) = java_option(file, "java_outer_classname").and_then(|value| value.as_str().map(str::to_owned)) {
        return name;
    }
    let stem = file.name().rsplit('/').next().unwrap_or_default().trim_end_matches(".proto");
    let mut name = String::new();
    let mut upper = true;
    for c in stem.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = c.is_ascii_digit();
        } else {
            upper = true;
        }
    }
    let taken = file.messages().any(|m| m.name() == name) || file.enums().any(|e| e.name() == name);
    if taken { name + "OuterClass" } else { name }
}
