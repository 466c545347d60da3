//! Settings by which components become native code. The host includes this file, and so does the build script of
//! `openkoi-components`: with other settings there, the host would refuse the code that was built for it.

use wasmtime::Config;

/// The guest's part of the stack, in bytes.
pub(crate) const MAX_WASM_STACK: usize = 512 * 1024;

/// The stack of a call: the guest's part, and enough for a host function at the bottom of it.
pub(crate) const ASYNC_STACK: usize = 2 * 1024 * 1024;

/// Sets what native code and the process that runs it have to agree on. Limits of a call are set on its store.
pub(crate) fn configure(config: &mut Config) {
    config
        .epoch_interruption(true)
        .max_wasm_stack(MAX_WASM_STACK)
        .async_stack_size(ASYNC_STACK)
        // Nothing here is called concurrently within one instance, and calls cost a quarter without it.
        .concurrency_support(false)
        // Traps name functions from the name section; offsets into them would add a tenth to the code.
        .generate_address_map(false)
        // Only debuggers unwind with these tables; they are a twentieth of the code, and each load registers them.
        .native_unwind_info(false)
        .wasm_component_model(true);
    leave_out(config);
}

/// Turns off proposals that our components do not use: they would be attack surface for no benefit.
fn leave_out(config: &mut Config) {
    config
        .shared_memory(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false);
}
