import Comparison
import Diagnosis
import Files
package import ResNetV2
import Tensors
import Threads

/// A parameter with values that no trained network has.
package struct SuspiciousParameter: Sendable {
  /// The parameter.
  package let parameter: Parameter

  /// What is wrong with it, such as `3 of 64 values are NaN, the first in channel 17`.
  package let problem: String
}

extension Parameters {
  /// Finds NaN and infinite values, and negative variances.
  ///
  /// Such a network can be run, and it will give NaN; so it is refused by name unless someone
  /// insists.
  package func suspicious(in graph: Graph, threads: Int) throws -> [SuspiciousParameter] {
    try concurrentMap(
      graph.parameters, threads: threads, sharing: WorkingMemory.shared(among: byteCount),
      bytes: { self[$0].byteCount }
    ) { parameter, _ in
      self[parameter].problem(in: parameter.role).map {
        SuspiciousParameter(parameter: parameter, problem: $0)
      }
    }.compactMap { $0 }
  }
}

extension TensorData {
  fileprivate func problem(in role: Parameter.Role) -> String? {
    withFloats { values in
      // All bits of the exponent are set exactly in NaN and infinity: one comparison covers both.
      var largest: UInt32 = 0
      for value in values { largest = max(largest, value.bitPattern & 0x7FFF_FFFF) }
      if largest > 0x7F80_0000 {
        return count(values, "NaN") { $0.isNaN }
      }
      if largest == 0x7F80_0000 {
        return count(values, "infinite") { $0.isInfinite }
      }
      if role == .variance, values.contains(where: { $0 < 0 }) {
        return count(values, "negative") { $0 < 0 }
      }
      return nil
    }
  }

  private func count(
    _ values: UnsafeBufferPointer<Float>, _ what: String, _ matches: (Float) -> Bool
  ) -> String {
    let count = values.count(where: matches)
    let first = values.firstIndex(where: matches) ?? 0
    return "\(count) of \(values.count) values \(count == 1 ? "is" : "are") \(what), "
      + shape.place(of: first, among: count)
  }
}
