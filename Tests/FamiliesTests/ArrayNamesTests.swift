import ResNetV2
import Testing

@testable import Families

@Suite("Names of arrays")
struct ArrayNamesTests {
  @Test(
    "No two values of a network have one name, and all are found again",
    arguments: Family.all.map(\.id))
  func distinct(_ id: String) throws {
    let family = try #require(Family.named(id))
    let kinds: [Configuration.Block.Kind] = [.bottleneck, .basic]
    for kind in kinds {
      let configuration = family.configuration(kind: kind, blocks: [2, 2, 2, 2], classes: 10)
      guard let graph = try? Graph(configuration) else { continue }
      let names = family.layerNames(for: graph)
      let nodes = graph.nodes.map(\.name)
      let arrays = names.arrayNames(of: nodes)
      #expect(Set(arrays.values).count == arrays.count)
      let found = names.assignment(of: nodes, to: arrays.filter { $0.key != "input" }.map(\.value))
      #expect(found.arrays == arrays.filter { $0.key != "input" })
      #expect(found.missing == [] && found.unknown == [])
    }
  }
}
