import Comparison
import Families
import Inference
import RNW
import ResNetV2
import Tensors

// What two networks are, beside what they compute of an input.

/// How the weights of two models compare, tensor by tensor; those that both have.
///
/// Kernels that only one of the networks standardises before use are compared as it uses them: the other's were baked so.
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
    }, candidate: { try model.tensor(of: $0, usedBeside: other.graph) },
    reference: { try other.tensor(of: $0, usedBeside: model.graph) })
}

extension Model {
  /// The type to which kernels were rounded after they were baked, where they are those of another model, which standardises
  /// its own; `nil` where they were not rounded.
  ///
  /// The source may be as coarse: what standardisation gives was rounded all the same.
  func bakedType(beside other: Model) -> DType? {
    guard let converted, other.graph.configuration.weightStandardizationEpsilon != nil,
      let record: SourceRecord = try? converted.source(), record.baked != nil,
      coarsestType != .float32
    else { return nil }
    return coarsestType
  }

  /// A parameter's tensor; as it is used, where that is standardised and a counterpart's is not.
  fileprivate func tensor(
    of parameter: Parameter, usedBeside counterpart: Graph
  ) throws -> TensorData? {
    let tensor = try tensor(of: parameter)
    guard parameter.role == .weight, counterpart.standardization(of: parameter.node) == nil,
      let epsilon = graph.standardization(of: parameter.node)
    else { return tensor }
    return tensor?.asFloat32().standardized(epsilon: epsilon)
  }
}

extension Graph {
  /// The same with the standardisation of another, where only one of them has any.
  fileprivate func standardizing(as other: Graph) throws -> Graph {
    let (own, others) = (
      configuration.weightStandardizationEpsilon, other.configuration.weightStandardizationEpsilon
    )
    guard (own == nil) != (others == nil) else { return self }
    var configuration = configuration
    configuration.weightStandardizationEpsilon = others
    return try Graph(configuration)
  }

  /// What is added to the variance where a convolution standardises its kernel; `nil` where none does.
  fileprivate func standardization(of node: String) -> Double? {
    // Most networks have none: then nothing is looked for.
    guard configuration.weightStandardizationEpsilon != nil,
      case .convolution(let conv)? = nodes.first(where: { $0.name == node })?.operation
    else { return nil }
    return conv.weightStandardizationEpsilon
  }
}

/// Whether the layers of two models do the same of any input.
///
/// That only one of them standardises its kernels is no difference: they are compared as they are used.
func functions(
  of model: Model, and other: Model, _ comparison: Comparison, _ request: VerificationRequest
) throws -> FunctionAgreement {
  let isAskedFor = request.limits != nil || request.limitsFile != nil
  let names = model.layerNames
  return try FunctionAgreement(
    of: model.graph, and: other.graph.standardizing(as: model.graph),
    tolerance: {
      guard isAskedFor else { return Limits.float32 }
      return comparison.limits.limit(
        name: $0.name, familyName: names.name(of: $0.name), isolated: true)
    }, tensor: { try other.tensor(of: $0) ?? model.tensor(of: $0) })
}
