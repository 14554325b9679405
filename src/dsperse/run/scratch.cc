#include "dsperse/run/scratch.h"

namespace dsperse::run {
namespace {

constexpr std::size_t kMostKept = std::size_t{4} << 20;

struct Kept {
  Aligned<std::byte> data;
  std::size_t size = 0;
  bool busy = false;
};

Kept& kept() {
  thread_local Kept slot;
  return slot;
}

}  // namespace

Scratch::Scratch(std::size_t bytes) {
  Kept& slot = kept();
  if (slot.busy || bytes > kMostKept) {
    own_ = make_aligned<std::byte>(bytes);
    data_ = own_.get();
    return;
  }
  if (slot.size < bytes) {
    slot.data.reset();
    slot.data = make_aligned<std::byte>(bytes);
    slot.size = bytes;
  }
  slot.busy = true;
  data_ = slot.data.get();
}

Scratch::~Scratch() {
  if (own_ == nullptr) kept().busy = false;
}

}  // namespace dsperse::run
