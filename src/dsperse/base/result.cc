#include "dsperse/base/result.h"

namespace dsperse {

std::string Error::text() const {
  std::string out = what;
  if (!where.empty()) out += " (" + where + ")";
  if (!hint.empty()) out += ": " + hint;
  return out;
}

Error Error::within(const std::string& outer) const {
  Error out = *this;
  out.where = where.empty() ? outer : outer + " > " + where;
  return out;
}

}  // namespace dsperse
