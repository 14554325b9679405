// The functions that dsperse-verify.wasm exports. It imports nothing: any engine can load it, and it can reach nothing.
//
// Source: docs/formats/expectation.md ("The module"). Callers: wasm/dsperse-verify.mjs. Tested by tests/wasm.
#include <cstdlib>

#include "dsperse/wasm/answer.h"
#include "dsperse/wasm/fate.h"

#define DSPERSE_EXPORT(name) extern "C" __attribute__((export_name(#name), visibility("default")))

namespace dsperse::wasm {

DSPERSE_EXPORT(dsperse_abi) std::uint32_t dsperse_abi() { return kAbiVersion; }

/// Memory for the caller to write into, or 0 if there is none.
DSPERSE_EXPORT(dsperse_alloc) std::uint8_t* dsperse_alloc(std::size_t bytes) {
  return static_cast<std::uint8_t*>(std::malloc(bytes == 0 ? 1 : bytes));
}
DSPERSE_EXPORT(dsperse_free) void dsperse_free(std::uint8_t* memory) { std::free(memory); }

/// The answer as u32 length and bytes; it lies there until the next call.
DSPERSE_EXPORT(dsperse_verify)
const std::uint8_t* dsperse_verify(const std::uint8_t* key, std::size_t key_bytes, const std::uint8_t* certificate,
                                   std::size_t certificate_bytes, const std::uint8_t* expectation,
                                   std::size_t expectation_bytes) {
  static Bytes last;
  const Bytes body = answer({key, key_bytes}, {certificate, certificate_bytes}, {expectation, expectation_bytes});
  ByteWriter w;
  w.u32(static_cast<std::uint32_t>(body.size()));
  w.raw(body);
  last = w.take();
  return last.data();
}

/// Why the module trapped (fate.h); 0 if it did not.
DSPERSE_EXPORT(dsperse_fate) std::uint32_t dsperse_fate() { return static_cast<std::uint32_t>(fate()); }

}  // namespace dsperse::wasm
