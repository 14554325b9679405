// A proof-free checker of a Relation: every lookup, identity and product evaluated at every element, by the definitions.
//
// Independent of the prover's Values and of the schedule. Product targets don't link this. Tested by relation/relation_test.cc.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "dsperse/relation/values.h"

namespace dsperse::relation::testing {

/// Values of all tensors (by TensorRef) and of the products' virtual tensors.
struct Assignment {
  std::vector<std::vector<Fp>> tensors, products;
};
Assignment assignment_of(const Values& values);

/// The sum of terms at every element of a site, row major.
std::vector<Fp> evaluate(const Relation& relation, const Terms& terms, const Shape& site, const Assignment& a);
/// The virtual tensor of a product, from its factors.
std::vector<Fp> multiply(const Product& product, const Assignment& a);
/// Ids of the constraints that do not hold.
std::set<std::string> broken(const Relation& relation, const Assignment& a);

}  // namespace dsperse::relation::testing
