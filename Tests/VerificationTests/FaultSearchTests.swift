import Families
import ResNetV2
import Testing

@testable import Comparison

@Suite("Search for the first wrong layer")
struct FaultSearchTests {
  @Test(
    "Whichever layer is wrong, it is found in ⌈log₂ layers⌉ + 2 looks",
    arguments: [[1], [2, 1], [3, 4, 6, 3], [3, 4, 23, 3], [3, 8, 36, 3]], ["keras", "torch"])
  func looks(_ blocks: [Int], _ id: String) throws {
    let family = try #require(Family.named(id))
    let graph = try Graph(family.configuration(kind: .bottleneck, blocks: blocks, classes: 10))
    let layers = graph.nodes.count - 1
    let most = Int.bitWidth - (layers - 1).leadingZeroBitCount + 2
    for wrong in 1...layers {
      // What depends on the wrong layer is wrong too.
      var isWrong = [Bool](repeating: false, count: layers + 1)
      for node in wrong...layers {
        isWrong[node] = node == wrong || graph.nodes[node].inputs.contains { isWrong[$0] }
      }
      // The output was looked at, and either was wrong or hid what the features before it show.
      let features = try #require(graph.index(of: "final.relu") ?? graph.index(of: "final.norm"))
      let end = wrong <= features ? features : graph.outputIndex
      var search = FaultSearch(graph, wrong: end)
      var looks = end == features ? 2 : 1
      while let node = search.next {
        looks += 1
        search.note(node, isRight: !isWrong[node])
      }
      #expect(search.suspects == [wrong])
      #expect(looks <= most, "\(graph.nodes[wrong].name): \(looks) of \(most)")
    }
  }
}
