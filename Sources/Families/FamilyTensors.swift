package import ResNetV2
package import Tensors
import Threads

extension Family {
  /// A parameter as a file of the family has it.
  package struct NamedTensor: Sendable {
    /// The family's name of the layer.
    package let layer: String
    /// What follows the layer's name, such as `/kernel`.
    package let suffix: String
    /// The elements as float32 in the family's layout.
    package let data: TensorData
    /// The type in which the model keeps the values.
    package let dtype: DType

    /// The whole name.
    package var name: String { layer + suffix }
  }

  /// Whether tensors are named as Keras' files need it: a layer, a slash, a variable.
  package var hasKerasNames: Bool {
    summaryForm == .keras && tensors.roles.values.allSatisfy { $0.hasPrefix("/") }
  }

  /// The parameters of a network under the family's names and in its layouts, in the order of the
  /// graph.
  ///
  /// - Parameter renamed: layers that are to be called otherwise, by canonical name.
  package func namedTensors(
    of parameters: Parameters, in graph: Graph, renamed: [String: String] = [:], threads: Int
  ) throws -> [NamedTensor] {
    let listed = listedHeadNames(of: graph.configuration.head)
    let scope = scope(publishedName(of: graph.configuration))
    let fixed = fixedTensors.compactMap { fixed in
      graph.fixedTensor(fixed).map { data in
        NamedTensor(
          layer: scope + (renamed[fixed.node] ?? layerName(of: fixed.node) ?? fixed.node),
          suffix: tensors.roles[fixed.role] ?? "", data: data, dtype: .float32)
      }
    }
    return try fixed
      + concurrentMap(graph.parameters, threads: threads) { parameter in
        let order = AxisOrder(
          parameter.role, rank: parameter.shape.rank, in: tensors)
        return NamedTensor(
          layer: scope
            + (renamed[parameter.node] ?? listed[parameter.node] ?? layerName(of: parameter.node)
              ?? parameter.node),
          suffix: tensors.roles[parameter.role] ?? ".\(parameter.role.rawValue)",
          data: tensors.shaped(
            order.tensor(from: parameters[parameter].asFloat32()), for: parameter.role),
          dtype: parameters[parameter].dtype)
      }
  }
}

extension Graph {
  /// The values of a tensor that the network does not use; `nil` where it has no such layer, or uses one.
  fileprivate func fixedTensor(_ fixed: FixedTensor) -> TensorData? {
    guard let node = nodes.first(where: { $0.name == fixed.node }),
      case .norm(_, let channels, _) = node.operation,
      !node.parameters.contains(where: { $0.role == fixed.role })
    else { return nil }
    return TensorData(shape: [channels], values: [Float](repeating: fixed.value, count: channels))
  }
}

extension TensorTemplates {
  /// A tensor with the axes that a norm's have in the family's files.
  fileprivate func shaped(_ tensor: TensorData, for role: Parameter.Role) -> TensorData {
    switch role {
    case .scale, .shift, .mean, .variance:
      let leading = [Int](repeating: 1, count: leadingNormAxes)
      return tensor.reshaped(to: Shape(leading + tensor.shape.dimensions))
    case .weight, .bias: return tensor
    }
  }
}
