package import Tensors

extension Graph {
  /// Checks that the tensors of a file are exactly the parameters of the network, before one is read.
  ///
  /// A kernel or a matrix is float32, float16, bfloat16, or int8 with scales; everything else float32.
  ///
  /// - Parameter hasScales: whether the integers of a tensor have scales.
  /// - Throws: ``ParametersError`` that names what is missing, misshapen, of another type or not known
  ///   to the graph.
  package func checkParameters(
    _ tensors: [TensorInfo], hasScales: (_ name: String) -> Bool
  ) throws(ParametersError) {
    var unknown = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
    for parameter in parameters {
      guard let tensor = unknown.removeValue(forKey: parameter.name) else {
        throw .missing(parameter)
      }
      guard tensor.shape == parameter.shape else {
        throw .misshapen(parameter, found: tensor.shape)
      }
      let isStored =
        switch tensor.dtype {
        case .float32: true
        case .float16, .bfloat16: parameter.role == .weight
        case .int8: parameter.role == .weight && hasScales(parameter.name)
        default: false
        }
      guard isStored else { throw .wrongType(parameter, found: tensor.dtype) }
    }
    if let name = unknown.keys.min() { throw .unknown(name) }
  }
}
