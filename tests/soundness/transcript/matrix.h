// The dependency matrix of a transcript: which later draws change, and which earlier ones, when a byte of a record does.
//
// With a class of records left out it shows what nobody would bind. Used by matrix_test.cc and omission_test.cc.
#pragma once

#include "transcript/records.h"

namespace dsperse::soundness {

struct Tally {
  std::uint64_t tried = 0;     ///< later draws
  std::uint64_t survived = 0;  ///< later draws that did not change, and earlier ones that did
};

class Matrix {
 public:
  /// omitted: label and kind of records that the transcript leaves out; none if empty. records must outlive this.
  explicit Matrix(const Records& records, std::pair<std::string, std::string> omitted = {});
  /// One bit of the byte changed (an empty record gets a byte), everything replayed.
  [[nodiscard]] Tally whole(std::size_t record, std::size_t byte) const;
  /// Replayed from the record on: later draws alone.
  [[nodiscard]] Tally later(std::size_t record, std::size_t byte) const;

 private:
  Bytes step(crypto::Transcript& t, const Record& record) const;
  std::vector<Bytes> replay(const Records& records) const;

  const Records& records_;
  std::pair<std::string, std::string> omitted_;
  std::vector<Bytes> drawn_;
  std::vector<crypto::Transcript> before_;  ///< each record
  std::vector<std::size_t> draws_before_;   ///< each record
};

}  // namespace dsperse::soundness
