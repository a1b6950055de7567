public import Tensors

/// The tensors of a network under their canonical names.
///
/// A value of this type is complete for its graph: every parameter is there with its shape.
///
/// ```swift
/// let graph = try Graph(configuration)
/// let parameters = try Parameters(["stem.conv.weight": kernel, …], for: graph)
/// let executor = FastExecutor(parameters)
/// ```
public struct Parameters: Sendable {
  /// The network that they are of.
  public let graph: Graph

  private let tensors: [String: TensorData]

  /// Checks that there is exactly one tensor of the right shape for every parameter of a graph.
  ///
  /// - Throws: ``ParametersError`` that names what is missing, misshapen or not known to the graph.
  public init(_ tensors: [String: TensorData], for graph: Graph) throws(ParametersError) {
    var unknown = Set(tensors.keys)
    for parameter in graph.parameters {
      guard let tensor = tensors[parameter.name] else { throw .missing(parameter) }
      guard tensor.shape == parameter.shape else {
        throw .misshapen(parameter, found: tensor.shape)
      }
      unknown.remove(parameter.name)
    }
    if let name = unknown.min() { throw .unknown(name) }
    self.tensors = tensors
    self.graph = graph
  }

  /// The tensor of a parameter of the graph that these parameters were checked for.
  package subscript(parameter: Parameter) -> TensorData {
    guard let tensor = tensors[parameter.name] else {
      preconditionFailure("\(parameter.name) is not a parameter of this network")
    }
    return tensor
  }

  /// The bytes of all tensors.
  package var byteCount: Int { tensors.values.reduce(0) { $0 + $1.byteCount } }

  /// The same parameters with one tensor replaced by another of the same shape.
  package func replacing(_ parameter: Parameter, with tensor: TensorData) -> Parameters {
    precondition(tensor.shape == parameter.shape)
    var tensors = tensors
    tensors[parameter.name] = tensor
    return Parameters(checked: tensors, for: graph)
  }

  private init(checked tensors: [String: TensorData], for graph: Graph) {
    (self.tensors, self.graph) = (tensors, graph)
  }
}

/// Why tensors are not the parameters of a graph.
public enum ParametersError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There is no tensor for a parameter.
  case missing(Parameter)
  /// The tensor of a parameter has another shape.
  case misshapen(Parameter, found: Shape)
  /// The tensor of a parameter has elements of a type in which it is not stored.
  case wrongType(Parameter, found: DType)
  /// There is a tensor that no node uses.
  case unknown(String)

  /// What is wrong, in words.
  public var description: String {
    switch self {
    case .missing(let parameter): "\(parameter.name) (\(parameter.shape)) is missing"
    case .misshapen(let parameter, let found):
      "\(parameter.name) is \(found), expected \(parameter.shape)"
    case .wrongType(let parameter, let found):
      "\(parameter.name) is \(found.name), which it is not stored as"
    case .unknown(let name): "\(name) belongs to no layer"
    }
  }
}
