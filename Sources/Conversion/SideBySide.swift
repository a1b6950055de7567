import Comparison
import Families
import Inference
import ResNetV2
import Tensors

// What two networks are, beside what they compute of an input.

/// How the weights of two models compare, tensor by tensor; those that both have.
///
/// A limit that someone asks for holds for weights as well: what differs by less moves a layer by less.
func weights(
  of model: Model, and other: Model, _ comparison: Comparison, _ request: VerificationRequest
) throws -> WeightAgreement {
  let isAskedFor = request.limits != nil || request.limitsFile != nil
  let names = model.layerNames
  return try WeightAgreement(
    of: model.graph, threads: request.pool.threadCount,
    tolerance: {
      guard isAskedFor else { return Limits.float32Noise }
      return comparison.limits.limit(
        name: $0.node, familyName: names.name(of: $0.node), isolated: true)
    }, candidate: { try model.tensor(of: $0) },
    reference: { try other.tensor(of: $0) })
}

/// Whether the layers of two models do the same of any input.
func functions(
  of model: Model, and other: Model, _ comparison: Comparison, _ request: VerificationRequest
) throws -> FunctionAgreement {
  let isAskedFor = request.limits != nil || request.limitsFile != nil
  let names = model.layerNames
  return try FunctionAgreement(
    of: model.graph, and: other.graph,
    tolerance: {
      guard isAskedFor else { return Limits.float32 }
      return comparison.limits.limit(
        name: $0.name, familyName: names.name(of: $0.name), isolated: true)
    }, tensor: { try other.tensor(of: $0) ?? model.tensor(of: $0) })
}
