//! The ids that brokers give to topics: a topic that was deleted and made anew has another one, though its name and offsets may fit.
//!
//! The library's safe wrapper does not ask for them, so the C library is called here.

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};
use std::ptr::{null_mut, slice_from_raw_parts};

use rdkafka::bindings as c;
use rdkafka::consumer::Consumer as _;

use super::client::{Consumer, REQUEST_TIMEOUT};

/// What must be given back to the library.
struct Owned<T>(*mut T, unsafe extern "C" fn(*mut T));

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: it came from the library and is given back once, by the function that is for it.
            unsafe { (self.1)(self.0) }
        }
    }
}

/// The ids of topics, as far as the brokers tell them: old ones, and those that refuse to describe topics, do not.
pub fn topic_ids(consumer: &Consumer, topics: &[&str]) -> HashMap<String, String> {
    let names: Vec<CString> = topics.iter().filter_map(|t| CString::new(*t).ok()).collect();
    let mut pointers: Vec<*const c_char> = names.iter().map(|n| n.as_ptr()).collect();
    let mut ids = HashMap::new();
    if pointers.is_empty() {
        return ids;
    }
    let client = consumer.client().native_ptr();
    let timeout_ms = REQUEST_TIMEOUT.as_millis() as i32;
    // SAFETY: the client and the names are alive all the while. What the calls return is owned as `Owned` says, or by the event, which
    // goes last; ids and names are copied before.
    unsafe {
        let wanted =
            Owned(c::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()), c::rd_kafka_TopicCollection_destroy);
        let kind = c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let options = Owned(c::rd_kafka_AdminOptions_new(client, kind), c::rd_kafka_AdminOptions_destroy);
        let mut text = [0; 256];
        c::rd_kafka_AdminOptions_set_request_timeout(options.0, timeout_ms, text.as_mut_ptr(), text.len());
        let queue = Owned(c::rd_kafka_queue_new(client), c::rd_kafka_queue_destroy);
        c::rd_kafka_DescribeTopics(client, wanted.0, options.0, queue.0);
        // The library answers by itself when the time is over.
        let event = Owned(c::rd_kafka_queue_poll(queue.0, timeout_ms * 2), c::rd_kafka_event_destroy);
        let result = if event.0.is_null() { null_mut() } else { c::rd_kafka_event_DescribeTopics_result(event.0).cast_mut() };
        if result.is_null() {
            return ids;
        }
        let mut count = 0;
        let described = c::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        if described.is_null() {
            return ids;
        }
        for topic in &*slice_from_raw_parts(described, count) {
            let error = c::rd_kafka_error_code(c::rd_kafka_TopicDescription_error(*topic));
            let id = c::rd_kafka_TopicDescription_topic_id(*topic);
            if error == c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR && !id.is_null() {
                let name = CStr::from_ptr(c::rd_kafka_TopicDescription_name(*topic)).to_string_lossy();
                let id = CStr::from_ptr(c::rd_kafka_Uuid_base64str(id)).to_string_lossy();
                ids.insert(name.into_owned(), id.into_owned());
            }
        }
    }
    ids
}
