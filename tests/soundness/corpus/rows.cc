// The ops over rows: a proof for each of their constraints that breaks it alone, where that can be (row_attacker.h): a maximum
// that is none, a mean, reciprocal, root or quotient beside the right one, a stale position, a product of other factors.
#include "cases.h"
#include "row_attacker.h"

namespace dsperse::soundness {
namespace {

/// Constraints of kinds that only ops over rows have. Outputs, inputs, limbs: forged.cc.
bool of_rows(const std::string& id) {
  for (const char* other : {" activation", " remainder ", " limb "})
    if (id.find(other) != std::string::npos) return false;
  return !id.starts_with("t");  // the range of a tensor
}

}  // namespace

void add_rows(Corpus& out) {
  for (const NamedSlice& slice : row_slices()) {
    std::map<std::string, int> lies;
    const Found found = [&](const std::string& id, const SliceCase& c, const std::function<Outcome()>& attack,
                            const Ids& constraints, const Ids& checks) {
      const std::string name = "rows: " + slice.name + ": " + id + " " + std::to_string(++lies[id]);
      const Outcome o = attack();
      if (o.constraints != constraints || o.checks != checks) out.fault(name + " breaks something else");
      add_attack(out, name, "end check", "slice 0", c, o.proof);
    };
    RowAttacker attacker(slice, found);
    for (const std::string& id : attacker.relation().constraint_ids())
      if (of_rows(id) && !attacker.attack_constraint(id)) out.fault("rows: " + slice.name + ": no attack on " + id);
  }
}

}  // namespace dsperse::soundness
