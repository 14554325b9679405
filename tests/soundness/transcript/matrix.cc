#include "transcript/matrix.h"

namespace dsperse::soundness {
namespace {

void change(Bytes& data, std::size_t byte) {
  if (data.empty())
    data.push_back(0);
  else
    data[byte] ^= 1;
}

}  // namespace

Matrix::Matrix(const Records& records, std::pair<std::string, std::string> omitted)
    : records_(records), omitted_(std::move(omitted)), drawn_(replay(records)) {
  crypto::Transcript t(proof::kProtocolVersion);
  std::size_t draws = 0;
  for (const Record& r : records) {
    before_.push_back(t);
    draws_before_.push_back(draws);
    (void)step(t, r);
    draws += r.draw ? 1 : 0;
  }
}

Bytes Matrix::step(crypto::Transcript& t, const Record& r) const {
  const bool left_out = !r.draw && r.label == omitted_.first && r.kind == omitted_.second;
  return left_out ? Bytes{} : apply(t, r);
}

std::vector<Bytes> Matrix::replay(const Records& records) const {
  crypto::Transcript t(proof::kProtocolVersion);
  std::vector<Bytes> out;
  for (const Record& r : records) {
    Bytes drawn = step(t, r);
    if (r.draw) out.push_back(std::move(drawn));
  }
  return out;
}

Tally Matrix::whole(std::size_t record, std::size_t byte) const {
  Records changed = records_;
  change(changed[record].data, byte);
  const std::vector<Bytes> drawn = replay(changed);
  Tally out;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const bool is_later = i >= draws_before_[record];
    out.tried += is_later ? 1 : 0;
    if (is_later == (drawn[i] == drawn_[i])) ++out.survived;
  }
  return out;
}

Tally Matrix::later(std::size_t record, std::size_t byte) const {
  crypto::Transcript t = before_[record];
  Record changed = records_[record];
  change(changed.data, byte);
  (void)step(t, changed);
  Tally out;
  std::size_t at = draws_before_[record];
  for (std::size_t i = record + 1; i < records_.size(); ++i) {
    const Bytes drawn = step(t, records_[i]);
    if (!records_[i].draw) continue;
    ++out.tried;
    if (drawn == drawn_[at++]) ++out.survived;
  }
  return out;
}

}  // namespace dsperse::soundness
