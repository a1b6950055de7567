import Families
import ResNetV2
import Testing

@testable import Comparison

@Suite("Limits of float32 networks")
struct StandardLimitTests {
  @Test(
    "Errors may carry on further between standardised weights; a layer by itself is held to the same limit",
    arguments: [
      ("keras", 2e-5), ("torch", 2e-5), ("timm", 2e-5), ("timm-bit", 5e-5), ("bit", 5e-5),
    ])
  func propagated(_ id: String, _ limit: Double) throws {
    let family = try #require(Family.named(id))
    let limits = Limits(
      for: family.configuration(kind: .bottleneck, blocks: [2, 2], classes: 10))
    #expect(limits.propagated == limit)
    #expect(limits.isolated == 2e-5)
    // Group norms alone do not need it, nor do weights that were standardised before.
    var baked = family.configuration(kind: .bottleneck, blocks: [2, 2], classes: 10)
    baked.weightStandardizationEpsilon = nil
    #expect(Limits(for: baked).propagated == 2e-5)
    // What the smallest real mistake, a max-pool's border, gives is far above.
    #expect(limits.propagated * 5 < 3e-4)
  }
}
