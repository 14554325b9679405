// The native twin of dsperse-verify.wasm: the same questions on stdin, the same answers on stdout, for tests that compare both.
//
// Question: key, certificate, expectation, each u32 length and bytes. Answer: u32 length and bytes. Ends with stdin. Not shipped.
#include <array>
#include <cstdio>
#include <optional>

#include "dsperse/wasm/answer.h"

namespace {

using dsperse::Bytes;

std::optional<Bytes> read_part() {
  std::array<std::uint8_t, 4> head;
  if (std::fread(head.data(), 1, head.size(), stdin) != head.size()) return std::nullopt;
  Bytes part(dsperse::ByteReader(head).u32());
  if (std::fread(part.data(), 1, part.size(), stdin) != part.size()) return std::nullopt;
  return part;
}

}  // namespace

int main() {
  while (const auto key = read_part()) {
    const auto certificate = read_part();
    const auto expectation = certificate ? read_part() : std::nullopt;
    if (!expectation) return 1;
    const Bytes answer = dsperse::wasm::answer(*key, *certificate, *expectation);
    dsperse::ByteWriter w;
    w.u32(static_cast<std::uint32_t>(answer.size()));
    w.raw(answer);
    if (std::fwrite(w.bytes().data(), 1, w.bytes().size(), stdout) != w.bytes().size()) return 1;
  }
  return std::fflush(stdout);
}
