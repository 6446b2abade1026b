use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::runtime::Handle;

/// A future or stream that is polled by a worker, inside the main runtime's context: sockets,
/// timers and tasks that it makes belong to the main runtime, which outlives every request and
/// is the one that may block.
pub(crate) struct Entered<T> {
    runtime: Handle,
    inner: Pin<Box<T>>,
}

impl<T> Entered<T> {
    /// Wraps `inner`.
    pub(crate) fn new(runtime: &Handle, inner: T) -> Self {
        Self {
            runtime: runtime.clone(),
            inner: Box::pin(inner),
        }
    }
}

impl<T: Future> Future for Entered<T> {
    type Output = T::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T::Output> {
        let this = &mut *self;
        let _context = this.runtime.enter();
        this.inner.as_mut().poll(cx)
    }
}

impl<T: Stream> Stream for Entered<T> {
    type Item = T::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T::Item>> {
        let this = &mut *self;
        let _context = this.runtime.enter();
        this.inner.as_mut().poll_next(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_belong_to_the_main_runtime() {
        let main = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let worker = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let call = async {
            // The worker has no timer at all, and its thread is not the task's.
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            tokio::spawn(async { std::thread::current().id() })
                .await
                .unwrap()
        };
        let ran_on = worker.block_on(Entered::new(main.handle(), call));
        assert_ne!(ran_on, std::thread::current().id());
    }
}
