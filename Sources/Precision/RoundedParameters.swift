package import ResNetV2
package import Tensors
import Threads

/// A weight that has no value in the type that it is to be rounded to.
package struct ParameterRoundingError: Error, Sendable {
  /// The parameter.
  package let parameter: Parameter

  /// The value and the type.
  package let cause: RoundingError
}

extension Parameters {
  /// The parameters with every kernel and matrix rounded to a type of its own.
  ///
  /// - Throws: ``ParameterRoundingError`` where a value does not exist in the type.
  package func rounded(
    to types: ParameterTypes, in graph: Graph, threads: Int
  ) throws -> Parameters {
    // The largest first, so that no thread is left with one at the end.
    let order = graph.parameters.sorted { $0.shape.elementCount > $1.shape.elementCount }
    let tensors = try concurrentMap(order, threads: threads) { parameter in
      do {
        return (parameter.name, try self[parameter].rounded(to: types[parameter]))
      } catch let error as RoundingError {
        throw ParameterRoundingError(parameter: parameter, cause: error)
      }
    }
    return try Parameters(Dictionary(uniqueKeysWithValues: tensors), for: graph)
  }

  /// The coarsest type of any tensor of a network: the one that decides how far off it may be.
  package func coarsestType(in graph: Graph) -> DType {
    graph.parameters.map { self[$0].dtype }.coarsest
  }
}

extension Sequence<DType> {
  /// The type that moves a weight farthest when it is rounded to it; float32 where none does.
  package var coarsest: DType { self.max { $0.coarseness < $1.coarseness } ?? .float32 }
}

extension DType {
  /// The order of the types by how far rounding moves a weight; 0 for those that nothing is rounded
  /// to.
  package var coarseness: Int {
    switch self {
    case .float16: 1
    case .bfloat16: 2
    case .int8: 3
    default: 0
    }
  }
}
