//! The allocator of the server's process: a binary that names this crate allocates with mimalloc, and so do the C
//! libraries in it.

/// Keeps memory flat under many small allocations from many threads, where the system's allocator grows.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Makes the allocator ready before the constructors of libraries run.
///
/// mimalloc 3 reads its map of pages before it looks whether the pointer to free is null, and the map is there only
/// after the first allocation (microsoft/mimalloc issue 1341). So a library whose constructor frees null ends the
/// process before `main`: with preloaded libraries that look a symbol up, and with libstdc++ on glibc 2.44. What
/// stands in this section runs before all of them (System V ABI, "Initialization and Termination Functions").
#[cfg(target_os = "linux")]
#[allow(
    unsafe_code,
    reason = "the function allocates a byte and frees it, which needs nothing that is set up later"
)]
#[used]
#[unsafe(link_section = ".preinit_array")]
static FIRST_ALLOCATION: extern "C" fn() = allocate_once;

#[cfg(target_os = "linux")]
extern "C" fn allocate_once() {
    drop(std::hint::black_box(Box::new(0_u8)));
}
