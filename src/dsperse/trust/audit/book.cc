#include "dsperse/trust/audit/book.h"

#include <algorithm>
#include <limits>

namespace dsperse::trust::audit {
namespace {

constexpr std::uint32_t kMagic = 0x314B4F42;  // "BOK1"
constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

std::unexpected<Error> refuse(std::string what, const Subject& s) {
  return fail(ErrorKind::usage, std::move(what), "book > worker " + to_hex(s.worker));
}

void count_up(std::uint64_t& n) { n += n == kMost ? 0 : 1; }

Status on(Book& book, const Enrol& e) {
  if (e.subject.engine.size() > kMaxEngineBytes) return refuse("an engine's name has more than 255 bytes", e.subject);
  if (book.size() >= kMaxSubjects) return fail(ErrorKind::resource, "the book has room for 1048576 workers", "book");
  if (!book.try_emplace(e.subject, Record{e.now_ms, 0, {}}).second) return refuse("the worker is already enrolled", e.subject);
  return {};
}

Status on(Book& book, const Valid& e) {
  const auto at = book.find(e.subject);
  if (at == book.end()) return refuse("the worker is not enrolled", e.subject);
  count_up(at->second.cv);
  return {};
}

Status on(Book& book, const Struck& e) {
  const auto at = book.find(e.subject);
  if (at == book.end()) return refuse("the worker is not enrolled", e.subject);
  const auto kind = static_cast<std::size_t>(e.kind);
  if (kind >= kStrikeKinds) return refuse("the kind of strike is unknown", e.subject);
  count_up(at->second.strikes[kind]);
  if (e.kind != StrikeKind::liveness) at->second.cv = 0;
  return {};
}

}  // namespace

Status step(Book& book, const Event& event) {
  return std::visit([&](const auto& e) { return on(book, e); }, event);
}

Decision decide(const Book& book, const Subject& subject, const Rules& rules, std::uint64_t now_ms) {
  const auto at = book.find(subject);
  if (at == book.end()) return {Mode::wait, Probability::never()};
  const Record& r = at->second;
  if (now_ms < r.enrolled_ms || now_ms - r.enrolled_ms < rules.wait_ms) return {Mode::wait, Probability::never()};
  if (r.cv < std::max<std::uint64_t>(1, rules.least_valid)) return {Mode::replicate, Probability::always()};
  return {Mode::audit, std::max(rules.p_min, Probability::ratio(1, r.cv).value_or(Probability::always()))};
}

Bytes encode(const Book& book) {
  ByteWriter w;
  w.u32(kMagic);
  w.u32(static_cast<std::uint32_t>(book.size()));
  for (const auto& [subject, r] : book) {
    w.raw(subject.worker);
    w.text(subject.engine);
    w.u64(r.enrolled_ms);
    w.u64(r.cv);
    for (const std::uint64_t n : r.strikes) w.u64(n);
  }
  return w.take();
}

Result<Book> decode(ByteView bytes) {
  ByteReader in(bytes);
  Book book;
  if (in.u32() != kMagic) in.set_bad();
  const std::size_t n = in.count(kMaxSubjects, 32 + 4 + 8 * (2 + kStrikeKinds));
  for (std::size_t i = 0; i < n && in.ok(); ++i) {
    Subject s;
    s.worker = in.digest();
    s.engine = in.text(kMaxEngineBytes);
    Record r;
    r.enrolled_ms = in.u64();
    r.cv = in.u64();
    for (std::uint64_t& strikes : r.strikes) strikes = in.u64();
    if (!book.empty() && s <= book.rbegin()->first) in.set_bad();
    book.emplace_hint(book.end(), std::move(s), r);
  }
  if (!in.finished()) return fail(ErrorKind::bad_input, "these bytes are no book of confidence", "book");
  return book;
}

}  // namespace dsperse::trust::audit
