//! How much memory one instance may use, all its parts together.

use wasmtime::{Error, ResourceLimiter, Result};

/// Core instances, memories and tables of one component. Those of Python have more than a hundred.
const PARTS: usize = 256;
/// Elements of all tables together: function pointers of the guest.
const TABLE_ELEMENTS: usize = 100_000;

/// Counts what an instance takes, and refuses what is too much by a trap: guests abort anyway when
/// memory is refused, and so the log says why.
pub(crate) struct Memory {
    limit: usize,
    bytes: usize,
    elements: usize,
}

impl Memory {
    /// Up to `limit` bytes of linear memory.
    pub fn new(limit: usize) -> Memory {
        Memory { limit, bytes: 0, elements: 0 }
    }

    /// Bytes of linear memory in use.
    pub fn used(&self) -> usize {
        self.bytes
    }
}

/// `total` once a part has grown from `current` to `desired`.
fn grown(total: usize, current: usize, desired: usize) -> usize {
    total.saturating_sub(current).saturating_add(desired)
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        self.bytes = grown(self.bytes, current, desired);
        if self.bytes > self.limit {
            return Err(Error::msg(format!("it wants more than its {} KiB of memory", self.limit >> 10)));
        }
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        self.elements = grown(self.elements, current, desired);
        if self.elements > TABLE_ELEMENTS {
            return Err(Error::msg(format!("its tables want more than {TABLE_ELEMENTS} elements")));
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        PARTS
    }

    fn tables(&self) -> usize {
        PARTS
    }

    fn memories(&self) -> usize {
        PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_memories_share_one_limit() {
        let mut memory = Memory::new(100);
        assert!(memory.memory_growing(0, 60, None).is_ok());
        assert!(memory.memory_growing(0, 30, None).is_ok());
        assert!(memory.memory_growing(30, 40, None).is_ok());
        assert!(memory.memory_growing(0, 1, None).is_err());
    }
}
