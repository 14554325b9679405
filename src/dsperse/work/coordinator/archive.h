// One description of a value's fields for writing and reading: fields(archive, value) is both.
//
// Used by state_codec.cc alone.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dsperse/base/bytes.h"

namespace dsperse::work {

class Writing {
 public:
  void u8(std::uint8_t& x) { out_.u8(x); }
  void u32(std::uint32_t& x) { out_.u32(x); }
  void u64(std::uint64_t& x) { out_.u64(x); }
  void i64(std::int64_t& x) { out_.i64(x); }
  void digest(Digest& d) { out_.raw(d); }
  void text(std::string& s) { out_.text(s); }
  void bytes(Bytes& b) {
    out_.u64(b.size());
    out_.raw(b);
  }
  std::size_t count(std::size_t n) {
    out_.u32(static_cast<std::uint32_t>(n));
    return n;
  }
  [[nodiscard]] static constexpr bool reads() { return false; }
  [[nodiscard]] bool ok() const { return true; }
  void set_bad() {}
  [[nodiscard]] Bytes take() { return out_.take(); }

 private:
  ByteWriter out_;
};

class Reading {
 public:
  explicit Reading(ByteView bytes) : in_(bytes) {}
  void u8(std::uint8_t& x) { x = in_.u8(); }
  void u32(std::uint32_t& x) { x = in_.u32(); }
  void u64(std::uint64_t& x) { x = in_.u64(); }
  void i64(std::int64_t& x) { x = in_.i64(); }
  void digest(Digest& d) { d = in_.digest(); }
  void text(std::string& s) { s = in_.text(std::size_t{1} << 20); }
  void bytes(Bytes& b) {
    const std::uint64_t n = in_.u64();
    if (n > in_.left()) in_.set_bad();
    const ByteView view = in_.ok() ? in_.take(static_cast<std::size_t>(n)) : ByteView{};
    b.assign(view.begin(), view.end());
  }
  std::size_t count(std::size_t) { return in_.count(std::size_t{1} << 24, 1); }
  [[nodiscard]] static constexpr bool reads() { return true; }
  [[nodiscard]] bool ok() const { return in_.ok(); }
  void set_bad() { in_.set_bad(); }
  [[nodiscard]] bool finished() const { return in_.finished(); }

 private:
  ByteReader in_;
};

template <class A>
void field(A& a, std::uint32_t& x) {
  a.u32(x);
}
template <class A>
void field(A& a, std::uint64_t& x) {
  a.u64(x);
}
template <class A>
void field(A& a, std::int64_t& x) {
  a.i64(x);
}
template <class A>
void field(A& a, Digest& x) {
  a.digest(x);
}
template <class A>
void field(A& a, std::string& x) {
  a.text(x);
}
template <class A>
void field(A& a, Bytes& x) {
  a.bytes(x);
}
template <class A>
void field(A& a, bool& x) {
  std::uint8_t byte = x ? 1 : 0;
  a.u8(byte);
  if (byte > 1) a.set_bad();
  x = byte == 1;
}
/// An enumeration whose last value is `last`.
template <class A, class E>
void field_enum(A& a, E& x, E last) {
  auto byte = static_cast<std::uint8_t>(x);
  a.u8(byte);
  if (byte > static_cast<std::uint8_t>(last)) {
    a.set_bad();
    byte = 0;
  }
  x = static_cast<E>(byte);
}
/// f(archive, element) for each element.
template <class A, class T, class F>
void field_list(A& a, std::vector<T>& list, F&& f) {
  const std::size_t n = a.count(list.size());
  if constexpr (A::reads()) {
    list.clear();
    for (std::size_t i = 0; i < n && a.ok(); ++i) f(a, list.emplace_back());
  } else {
    for (T& x : list) f(a, x);
  }
}
template <class A, class T, class F>
void field_optional(A& a, std::optional<T>& x, F&& f) {
  bool there = x.has_value();
  field(a, there);
  if (!there) {
    x.reset();
    return;
  }
  if (!x) x.emplace();
  f(a, *x);
}
template <class A, class T>
void field(A& a, std::optional<T>& x) {
  field_optional(a, x, [](A& archive, T& value) { field(archive, value); });
}

}  // namespace dsperse::work
