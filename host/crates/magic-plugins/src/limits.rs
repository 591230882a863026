//! Memory and tables of one store, counted over all its instances, and remembered when refused, so that the trap which
//! follows can be told as what it is.
use crate::defaults;
use wasmtime::ResourceLimiter;

#[derive(Debug)]
pub(crate) struct Room {
    memory_bytes_max: usize,
    memory_bytes: usize,
    /// A growth was refused.
    pub(crate) refused: bool,
}

// === impl Room ===
impl Room {
    pub(crate) fn new(memory_bytes_max: usize) -> Self {
        Self { memory_bytes_max, memory_bytes: 0, refused: false }
    }
}

impl ResourceLimiter for Room {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        if total > self.memory_bytes_max {
            self.refused = true;
            return Ok(false);
        }
        self.memory_bytes = total;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let fits = desired <= defaults::TABLE_ELEMENTS_MAX;
        self.refused |= !fits;
        Ok(fits)
    }

    fn instances(&self) -> usize {
        defaults::CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        defaults::TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        defaults::MEMORIES_MAX as usize
    }
}
