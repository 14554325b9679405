// What a key's owner does with opening counters beside proving: look, share with another machine, renew.
//
// Tested by pipeline/openings_test.cc.
#pragma once

#include "dsperse/pipeline/progress.h"
#include "dsperse/store/model_folder.h"
#include "dsperse/store/openings.h"

namespace dsperse::pipeline {

/// The key of a .dsm folder or a .dsk file.
[[nodiscard]] Result<proof::ModelKey> read_any_key(const std::string& path);

/// Proofs that this installation can still make of a slice with weights, all epochs that it can still make counted.
[[nodiscard]] Result<std::uint64_t> proofs_left(store::OpeningStore& openings, const proof::SliceKey& slice);

/// Takes `count` origin openings of every slice out of this installation and writes them as a share (0600, JSON). If writing
/// fails they are lost, never doubled.
[[nodiscard]] Status split_openings(store::OpeningStore& openings, const proof::ModelKey& key, std::uint32_t count,
                                    const std::string& path);
/// Openings per slice that the share brought. Errors: a share of another model, or imported here before.
[[nodiscard]] Result<std::uint32_t> import_openings(store::OpeningStore& openings, const proof::ModelKey& key,
                                                    const std::string& path);

/// A fresh epoch for every slice with weights.
[[nodiscard]] Status rotate_epochs(const store::ModelFolder& model, store::OpeningStore& openings, const Observer& observer);

}  // namespace dsperse::pipeline
