// An append-only history of events, chained by hashes: the state of a machine is what its history leads to, nothing else.
//
// An event type is a std::variant of structs; for each struct a function `fields(Struct&, F& f)` in its namespace calls f on
// every member in order: that is its byte form in both directions. head_0 = 0, head_{i+1} = H(head_i, bytes of event i): two
// histories with one head are equal. Not here: what events mean, signatures (the ledger signs heads). Source:
// docs/trust/machines.md. Tested by trust/incentive/points_test.cc and reputation_test.cc.
#pragma once

#include <utility>
#include <variant>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/trust/types/strike.h"

namespace dsperse::trust::incentive {

inline constexpr std::size_t kMaxEvents = std::size_t{1} << 24;

struct FieldWriter {
  ByteWriter& out;
  void operator()(const Digest& d) { out.raw(d); }
  void operator()(std::uint64_t n) { out.u64(n); }
  void operator()(bool b) { out.u8(b ? 1 : 0); }
  void operator()(StrikeKind k) { out.u8(static_cast<std::uint8_t>(k)); }
};

struct FieldReader {
  ByteReader& in;
  void operator()(Digest& d) { d = in.digest(); }
  void operator()(std::uint64_t& n) { n = in.u64(); }
  void operator()(bool& b) {
    const std::uint8_t byte = in.u8();
    if (byte > 1) in.set_bad();
    b = byte == 1;
  }
  void operator()(StrikeKind& k) {
    const std::uint8_t byte = in.u8();
    if (byte >= kStrikeKinds) in.set_bad();
    k = static_cast<StrikeKind>(byte);
  }
};

/// u8 index of the alternative, then its fields.
template <class Event>
void write_event(ByteWriter& out, Event event) {
  out.u8(static_cast<std::uint8_t>(event.index()));
  FieldWriter writer{out};
  std::visit([&](auto& e) { fields(e, writer); }, event);
}

namespace detail {
template <class Event, std::size_t I>
void read_alternative(ByteReader& in, Event& event) {
  FieldReader reader{in};
  fields(event.template emplace<I>(), reader);
}
}  // namespace detail

/// Sets the reader bad on an unknown alternative or value.
template <class Event>
Event read_event(ByteReader& in) {
  Event event;
  const std::size_t index = in.u8();
  const bool known = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return ((index == I ? (detail::read_alternative<Event, I>(in, event), true) : false) || ...);
  }(std::make_index_sequence<std::variant_size_v<Event>>{});
  if (!known) in.set_bad();
  return event;
}

template <class Event>
class History {
 public:
  void append(const Event& event) {
    ByteWriter w;
    write_event(w, event);
    head_ = crypto::hash_tagged("dsperse incentive history v1", {head_, w.bytes()});
    events_.push_back(event);
  }
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  [[nodiscard]] const Digest& head() const { return head_; }

 private:
  std::vector<Event> events_;
  Digest head_{};
};

/// u32 count, the events.
template <class Event>
void write_history(ByteWriter& out, const History<Event>& history) {
  out.u32(static_cast<std::uint32_t>(history.events().size()));
  for (const Event& e : history.events()) write_event(out, e);
}

template <class Event>
std::vector<Event> read_events(ByteReader& in) {
  std::vector<Event> events;
  const std::size_t n = in.count(kMaxEvents, 1);
  for (std::size_t i = 0; i < n && in.ok(); ++i) events.push_back(read_event<Event>(in));
  return events;
}

}  // namespace dsperse::trust::incentive
