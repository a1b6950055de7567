import Inference
import ResNetV2
import Tensors
import Threads

extension Parameters {
  /// The parameters of the network that computes the same and standardises nothing: kernels standardised in Double and
  /// rounded to float32, all else as it is; `nil` where nothing is standardised.
  func baked(threads: Int) throws -> Parameters? {
    var configuration = graph.configuration
    guard configuration.weightStandardizationEpsilon != nil else { return nil }
    configuration.weightStandardizationEpsilon = nil
    var epsilons: [String: Double] = [:]
    for node in graph.nodes {
      if case .convolution(let conv) = node.operation {
        epsilons[node.name] = conv.weightStandardizationEpsilon
      }
    }
    let tensors = try concurrentMap(graph.parameters, threads: threads) {
      [epsilons] parameter -> (String, TensorData) in
      let tensor = self[parameter]
      guard parameter.role == .weight, let epsilon = epsilons[parameter.node] else {
        return (parameter.name, tensor)
      }
      return (parameter.name, tensor.standardized(epsilon: epsilon))
    }
    return try Parameters(
      Dictionary(uniqueKeysWithValues: tensors), for: try Graph(configuration))
  }
}
