import Inference
import ResNetV2
import Subjects
import Tensors

/// Looks for cliffs: measures convolutions of neighbouring sizes.
///
/// It marks where one has less than half of its neighbour's rate, and fails if there is any.
@main
struct Neighbours {
  private static let channels = [16, 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 128, 129]
  private static let sides = [7, 8, 13, 14, 15, 27, 28, 29, 55, 56, 57]

  static func main() throws {
    var cliffs = 0
    print("layer   channels   side   GFLOP/s")
    for name in ["conv1", "conv2"] {
      var rates: [Place: Double] = [:]
      for channels in Self.channels {
        let network = try Network(width: channels)
        for side in Self.sides {
          let place = Place(channels: channels, side: side)
          let rate = try network.rate(of: "stage1.block1.\(name)", side: side)
          rates[place] = rate
          let isCliff = place.smallerNeighbours.compactMap { rates[$0] }.contains {
            min(rate, $0) * 2 < max(rate, $0)
          }
          cliffs += isCliff ? 1 : 0
          let mark = isCliff ? "   cliff" : ""
          print("\(name)   \(channels)   \(side)   \(Int(rate / 1e9))\(mark)")
        }
      }
    }
    guard cliffs == 0 else { throw CliffsFound(count: cliffs) }
    print("no cliffs")
  }
}

/// A size of a convolution.
private struct Place: Hashable {
  let channels, side: Int

  var smallerNeighbours: [Place] {
    [Place(channels: channels - 1, side: side), Place(channels: channels, side: side - 1)]
  }
}

/// A network of one block, whose convolutions are measured one by one.
private struct Network {
  let graph: Graph
  let executor: FastExecutor
  let width: Int

  init(width: Int) throws {
    self.width = width
    graph = try Graph(.bottlenecks(blocks: [1], width: width, classes: 10))
    executor = FastExecutor(try graph.randomParameters(), pool: WorkerPool(threads: 2))
  }

  /// The rate of a convolution with stride 1 on an image, in operations per second: the best of many runs.
  func rate(of name: String, side: Int) throws -> Double {
    guard let node = graph.index(of: name),
      case .convolution(let conv) = graph.nodes[node].operation
    else { return 0 }
    let input = try Activation.probe(shape: [1, side, side, conv.inputChannels])
    let operations =
      2 * side * side * conv.kernel * conv.kernel * conv.inputChannels * conv.outputChannels
    let clock = ContinuousClock()
    var best = Double.infinity
    for _ in 0..<max(20, 200_000_000 / operations) {
      let start = clock.now
      _ = try executor.evaluate(node, inputs: [input])
      best = min(best, (clock.now - start) / .seconds(1))
    }
    return Double(operations) / best
  }
}

private struct CliffsFound: Error {
  let count: Int
}
