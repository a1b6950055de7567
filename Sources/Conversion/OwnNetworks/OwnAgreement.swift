import Comparison
import SourceGraph
import Tensors

/// Whether the layers that two models of any kind have in common do the same, and with the same weights: what no input
/// may show.
package struct OwnAgreement: Encodable, Sendable {
  /// How many variables both have.
  package let compared: Int
  /// How many of them are the same to the bit.
  package let identical: Int
  /// The variables that differ by more than rounding, as `layer/variable`.
  package let different: [String]
  /// The layers that do something else, in words.
  package let options: [String]

  /// Whether nothing differs.
  package var agrees: Bool { different.isEmpty && options.isEmpty }

  /// - Parameter tolerance: by how much a variable may differ, in units of the largest value of each of its last axis.
  init(_ own: OwnNetwork, _ other: OwnNetwork, tolerance: Double) throws {
    let (mine, theirs) = (own.places, other.places)
    options = own.layers.compactMap { index in
      let name = own.graph.nodes[index].name
      guard let place = theirs[name], own.function(of: index) != other.function(of: place) else {
        return nil
      }
      return
        "\(name) is \(own.description(of: index)); the other's is \(other.description(of: place))"
    }
    var (compared, identical, different) = (0, 0, [String]())
    var seen: Set<String> = []
    for (name, index) in mine.sorted(by: { $0.value < $1.value }) {
      guard let place = theirs[name] else { continue }
      let names = Set(own.weights.tensors(of: index).keys).union(
        other.weights.tensors(of: place).keys)
      for variable in names.sorted() {
        let title = (own.graph.nodes[index].place.names + [variable]).joined(separator: "/")
        guard seen.insert(title).inserted else { continue }
        compared += 1
        let a = try own.weights.tensor(variable, of: index)
        let b = try other.weights.tensor(variable, of: place)
        guard let a, let b, a.shape == b.shape else {
          different.append(title)
          continue
        }
        if a.hasSameBits(as: b) {
          identical += 1
        } else if !a.agrees(with: b, tolerance: tolerance) {
          different.append(title)
        }
      }
    }
    (self.compared, self.identical, self.different) = (compared, identical, different)
  }
}

extension OwnNetwork {
  /// The nodes that an output depends on, by their names: those too that are only a part of their layer, and have its
  /// weights.
  fileprivate var places: [String: Int] {
    Dictionary(graph.liveNodes.map { (graph.nodes[$0].name, $0) }) { first, _ in first }
  }

  /// What a node computes, whatever its class is called.
  fileprivate func function(of index: Int) -> [SourceOperation] {
    [graph.nodes[index].operation] + [graph.inputs(of: index).padding].compactMap { $0 }
  }
}

extension TensorData {
  /// Whether no value is farther off than a share of the largest of its index on the last axis, which a Keras file has
  /// for its output channels.
  fileprivate func agrees(with other: TensorData, tolerance: Double) -> Bool {
    let channels = max(shape.dimensions.last ?? 1, 1)
    return withFloats { own in
      other.withFloats { other in
        (0..<channels).allSatisfy { channel in
          let places = stride(from: channel, to: other.count, by: channels)
          let largest = places.reduce(Float(0)) { max($0, other[$1].magnitude) }
          return places.allSatisfy {
            Double((own[$0] - other[$0]).magnitude) <= tolerance * Double(largest)
          }
        }
      }
    }
  }
}
