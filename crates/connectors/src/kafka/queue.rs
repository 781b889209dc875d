//! The messages of one partition as the client library hands them out, many at a time.
//!
//! The library's safe wrapper takes them one by one. This is the only place that calls the C library itself for reading.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::{NonNull, null, null_mut};
use std::slice;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use flott_engine::{Error, Result};
use rdkafka::bindings as c;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::RDKafkaErrorCode;

use super::client::Consumer;

/// Most messages that are taken at once.
const BATCH: usize = 1000;

/// Wakes a thread that waits.
#[derive(Default)]
pub struct Signal {
    called: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    /// Wakes the thread, or keeps it from going to sleep.
    pub fn call(&self) {
        *self.called.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits for a call, but not longer than so.
    pub fn wait(&self, most: Duration) {
        let called = self.called.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(called, most, |called| !*called);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

/// A message in the library's memory.
pub struct Message<'a>(&'a c::rd_kafka_message_t);

impl Message<'_> {
    /// Its offset.
    pub fn offset(&self) -> i64 {
        self.0.offset
    }

    /// Its key.
    pub fn key(&self) -> Option<&[u8]> {
        // SAFETY: the library keeps key and payload, of these lengths, as long as the message.
        (!self.0.key.is_null()).then(|| unsafe { slice::from_raw_parts(self.0.key.cast(), self.0.key_len) })
    }

    /// Its value.
    pub fn value(&self) -> Option<&[u8]> {
        // SAFETY: as for the key.
        (!self.0.payload.is_null()).then(|| unsafe { slice::from_raw_parts(self.0.payload.cast(), self.0.len) })
    }

    /// When it was made or stored, in milliseconds, and which of the two.
    pub fn timestamp(&self) -> (i64, &'static str) {
        let mut kind = c::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive, and `kind` is there to be written.
        let time = unsafe { c::rd_kafka_message_timestamp(self.0, &mut kind) };
        let kind = match kind {
            c::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_CREATE_TIME => "CreateTime",
            c::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => "LogAppendTime",
            c::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => "NoTimestampType",
        };
        (time, kind)
    }

    /// The leader's epoch, if the broker tells it.
    pub fn leader_epoch(&self) -> Option<i32> {
        // SAFETY: the message is alive.
        let epoch = unsafe { c::rd_kafka_message_leader_epoch(self.0) };
        (epoch >= 0).then_some(epoch)
    }

    /// Calls `each` with the name and the value of every header, in order.
    pub fn headers(&self, mut each: impl FnMut(&str, Option<&[u8]>)) {
        let mut headers = null_mut();
        // SAFETY: the message is alive and owns the headers, which are only read here. Names end in NUL; values have the length told.
        unsafe {
            if c::rd_kafka_message_headers(self.0, &mut headers) != c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return;
            }
            for i in 0.. {
                let (mut name, mut value, mut length): (*const c_char, *const c_void, usize) = (null(), null(), 0);
                let found = c::rd_kafka_header_get_all(headers, i, &mut name, &mut value, &mut length);
                if found != c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                    return;
                }
                let value = (!value.is_null()).then(|| slice::from_raw_parts(value.cast(), length));
                each(&CStr::from_ptr(name).to_string_lossy(), value);
            }
        }
    }
}

/// What came out of a queue besides messages.
pub enum Event {
    /// All messages before this offset were handed out, and there are no more now.
    End(i64),
    /// The partition cannot be read.
    Failed(RDKafkaErrorCode),
}

/// See the module.
pub struct PartitionQueue {
    consumer: Arc<Consumer>,
    queue: NonNull<c::rd_kafka_queue_t>,
    topic: CString,
    partition: i32,
    /// Called by the library's threads while the queue has its callback.
    wake: Arc<Signal>,
}

// SAFETY: the library's queues may be used by any thread.
unsafe impl Send for PartitionQueue {}

impl PartitionQueue {
    /// Sets the partition's messages apart from those of others. They come once the partition is assigned; `wake` is called then.
    pub fn open(consumer: &Arc<Consumer>, topic: &str, partition: i32, wake: &Arc<Signal>) -> Result<Self> {
        let name = CString::new(topic).map_err(|_| Error::config("the name of a topic holds a NUL character"))?;
        // SAFETY: the client is alive, and stays so as long as this value.
        let queue = unsafe { c::rd_kafka_queue_get_partition(consumer.client().native_ptr(), name.as_ptr(), partition) };
        let queue = NonNull::new(queue).ok_or_else(|| Error::internal(format!("topic {topic} has no queue of partition {partition}")))?;
        let opened = Self { consumer: Arc::clone(consumer), queue, topic: name, partition, wake: Arc::clone(wake) };
        // SAFETY: the queue is ours. The callback's argument lives until `drop` takes the callback away, which waits for one that runs.
        unsafe {
            c::rd_kafka_queue_forward(queue.as_ptr(), null_mut());
            c::rd_kafka_queue_cb_event_enable(queue.as_ptr(), Some(woken), Arc::as_ptr(&opened.wake) as *mut c_void);
        }
        Ok(opened)
    }

    /// Hands out messages that are there, at most `most` of them, and tells how many. Does not wait.
    pub fn take(&mut self, most: usize, mut message: impl FnMut(&Message<'_>), mut event: impl FnMut(Event)) -> usize {
        let mut found: [*mut c::rd_kafka_message_t; BATCH] = [null_mut(); BATCH];
        // SAFETY: there is room for as many as are asked for.
        let count = unsafe { c::rd_kafka_consume_batch_queue(self.queue.as_ptr(), 0, found.as_mut_ptr(), most.clamp(1, BATCH)) };
        let count = usize::try_from(count).unwrap_or(0);
        for found in &found[..count] {
            // SAFETY: the library filled so many places with messages, which are ours until they are given back below.
            let raw = unsafe { &**found };
            match RDKafkaErrorCode::from(raw.err) {
                RDKafkaErrorCode::NoError => message(&Message(raw)),
                RDKafkaErrorCode::PartitionEOF => event(Event::End(raw.offset)),
                code => event(Event::Failed(code)),
            }
            // SAFETY: given back once, and not used after.
            unsafe { c::rd_kafka_message_destroy(*found) };
        }
        count
    }

    /// Where the partition ended when its broker last answered.
    pub fn high_watermark(&self) -> Option<i64> {
        let (mut low, mut high) = (0, 0);
        // SAFETY: the client is alive. It answers from its memory.
        let error = unsafe {
            let client = self.consumer.client().native_ptr();
            c::rd_kafka_get_watermark_offsets(client, self.topic.as_ptr(), self.partition, &mut low, &mut high)
        };
        (error == c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
    }
}

impl Drop for PartitionQueue {
    fn drop(&mut self) {
        // SAFETY: the callback is taken away under the lock under which it is called; the queue is given back once.
        unsafe {
            c::rd_kafka_queue_cb_event_enable(self.queue.as_ptr(), None, null_mut());
            c::rd_kafka_queue_destroy(self.queue.as_ptr());
        }
    }
}

/// The library has messages where it had none.
unsafe extern "C" fn woken(_client: *mut c::rd_kafka_t, signal: *mut c_void) {
    // SAFETY: the signal was given with this callback and lives as long as the callback is set.
    unsafe { &*(signal as *const Signal) }.call();
}
