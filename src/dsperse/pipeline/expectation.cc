#include "dsperse/pipeline/expectation.h"

#include <nlohmann/json.hpp>

namespace dsperse::pipeline {
namespace {

using Json = nlohmann::ordered_json;

Json tensors_json(const std::map<std::string, proof::Expectation::Tensor>& tensors) {
  Json out = Json::object();
  for (const auto& [name, tensor] : tensors) {
    Json& j = out[name] = Json::object();
    if (tensor.values) j["values"] = *tensor.values;
    for (const Digest& root : tensor.roots) j["roots"].push_back(to_hex(root));
  }
  return out;
}

}  // namespace

Result<proof::Expectation> expectation_of(const VerifyRequest& request) {
  proof::Expectation user;
  user.model_id = request.model_id;
  user.nonce = request.nonce;
  user.known_ranges = user.known_links = request.known;
  if (request.policy || request.challenge) {
    DSPERSE_TRY(const std::vector<trust::Treatment> asked, asked_treatments(request));
    user.policy = trust::proved_slices(asked);
  }
  for (const auto& [name, values] : request.inputs) user.inputs[name].values = values;
  for (const auto& [name, roots] : request.input_roots) user.inputs[name].roots = roots;
  for (const auto& [name, values] : request.output.outputs) user.outputs[name].values = values;
  return user;
}

std::string expectation_document(const proof::Expectation& user) {
  const Json document = {{"model_id", user.model_id ? Json(to_hex(*user.model_id)) : Json()},
                         {"nonce", user.nonce ? Json(to_hex(*user.nonce)) : Json()},
                         {"policy", user.policy ? Json(*user.policy) : Json()},
                         {"inputs", tensors_json(user.inputs)},
                         {"outputs", tensors_json(user.outputs)}};
  return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace dsperse::pipeline
