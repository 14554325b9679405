// A record while it is read: what its earlier rules established for the later ones. Used by record.cc and answers.cc alone.
#pragma once

#include "dsperse/trust/record/record.h"

namespace dsperse::trust {

struct Reading {
  /// Of one SliceAnswer, by result: what the receipts say.
  struct Answer {
    std::vector<Digest> jobs;
    std::vector<const NodeLabels*> nodes;
  };
  const RunRecord& record;
  const RunFacts& facts;
  const RecordExpectation& user;
  const SignatureCheck& check;
  RunOpening opening;
  ClosingNote closing;
  Checkpoint seal, checkpoint;
  std::vector<Answer> answers;  ///< beside record.slices
  std::vector<lottery::Entry> entries;
  std::vector<Digest> drawn;
};

/// The log has this envelope at this place, behind the opening.
Verdict check_place(const Reading& reading, const Envelope& envelope, const Place& place, const std::string& what);
/// Results and audit of one slice; appends to reading.answers. Places are within the slice.
Verdict check_answer(Reading& reading, const SliceAnswer& answer);
/// record.slices[i]'s accepted job was drawn.
bool is_drawn(const Reading& reading, std::size_t i);
/// What every slice is held by, once all rules hold.
std::vector<Held> found(const Reading& reading);
/// What rests on whose word, in words.
std::vector<std::string> notes(const Reading& reading, const RecordVerdict& verdict);

}  // namespace dsperse::trust
