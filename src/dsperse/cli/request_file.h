// How `dsperse run --network` asks a serving coordinator, and how it answers: files in FOLDER/requests.
//
//   ID.request.json    what to run and where to write it      ID.answer.json    waiting, sealed, finished or failed
// Written whole or not at all, by either side; a request goes when its last answer is there. Tested by tests/e2e/workers_test.py.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsperse/pipeline/network/local_network.h"

namespace dsperse::cli {

struct RequestFile {
  pipeline::NetworkRequest request;
  std::optional<Digest> late_part, late_for;  ///< the number, and the digest of the seal that was shown before
  std::string out;                            ///< run folder, absolute once read
};
struct RequestAnswer {
  std::string failure;  ///< empty: waiting (view.waits_for), sealed or finished
  trust::PublicKey keeper{};
  work::RunView view;
  std::optional<Bytes> seal;
  std::optional<pipeline::CollectedRun> collected;  ///< paths alone
};

/// Gives the request's id: the same question and folder is the same request. An answer that is there is dropped if it is not
/// final.
[[nodiscard]] Result<std::string> post_request(const std::string& network, const RequestFile& request);
[[nodiscard]] Result<std::optional<RequestAnswer>> read_answer(const std::string& network, const std::string& id);

/// The coordinator's side: ids without a final answer.
[[nodiscard]] Result<std::vector<std::string>> open_requests(const std::string& network);
/// Errors (bad_input): not such a file.
[[nodiscard]] Result<RequestFile> read_request(const std::string& network, const std::string& id);
[[nodiscard]] bool has_answer(const std::string& network, const std::string& id);
[[nodiscard]] Status write_answer(const std::string& network, const std::string& id, const RequestAnswer& answer);

}  // namespace dsperse::cli
