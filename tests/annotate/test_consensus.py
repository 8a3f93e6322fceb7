import numpy as np
import pytest
import SimpleITK as sitk

from curator.annotate.consensus import Method, joined, majority, multi_label_staple, parse_method, soft_labels, staple
from curator.annotate.votes import Region, joint_votes
from curator.errors import UsageError


def images(masks):
    return [sitk.GetImageFromArray(mask) for mask in masks]


@pytest.mark.parametrize("seed", range(4))
def test_staple_equals_simpleitk(raters, seed):
    masks = raters(np.random.default_rng(seed), 5)
    votes = joint_votes(masks)
    ours = staple(votes, 1, region=votes.whole)
    judge = sitk.STAPLEImageFilter()
    judge.SetForegroundValue(1)
    probability = sitk.GetArrayFromImage(judge.Execute(images(masks)))
    np.testing.assert_allclose(ours.probability[votes.index], probability, atol=1e-6)
    np.testing.assert_allclose(ours.sensitivity, judge.GetSensitivity(), atol=1e-6)
    np.testing.assert_allclose(ours.specificity, judge.GetSpecificity(), atol=1e-6)


def test_staple_on_the_union_box_equals_simpleitk_on_the_crop(raters):
    masks = [np.pad(mask, 20) for mask in raters(np.random.default_rng(9), 5)]
    votes = joint_votes(masks)
    region = votes.union_region(margin_voxels=2)
    z, y, x = (slice(low, high) for low, high in zip(region.lower, region.upper, strict=True))
    judge = sitk.STAPLEImageFilter()
    judge.SetForegroundValue(1)
    probability = sitk.GetArrayFromImage(judge.Execute(images([np.ascontiguousarray(mask[z, y, x]) for mask in masks])))
    ours = staple(votes, 1, region=region)
    np.testing.assert_allclose(ours.probability[votes.index][z, y, x], probability, atol=1e-6)
    assert ours.probability[0] < 0.5  # agreed background, which is all there is outside the box
    assert ours.region == region


def judged_confusion(judge, author, labels):
    """`(truth, said)`; SimpleITK has the axes the other way, and one more row for what is undecided."""
    return np.array(judge.GetConfusionMatrix(author)).reshape(-1, labels + 1)[: labels + 1].T


def log_likelihood(votes, prior, confusion):
    """Of the votes, by the definition of the model."""
    total = 0.0
    for vote, count in zip(votes.palette, votes.counts, strict=True):
        total += count * np.log(prior @ np.prod([confusion[r][:, said] for r, said in enumerate(vote)], axis=0))
    return total


@pytest.mark.parametrize(("count", "labels", "is_stuck"), [(3, 2, False), (5, 2, True), (4, 4, True), (5, 4, False)])
def test_staple_of_many_labels_equals_simpleitk(raters, count, labels, is_stuck):
    """SimpleITK starts from a majority, whose exact zeros its steps cannot leave: then ours is the likelier."""
    masks = raters(np.random.default_rng(count), count, labels)
    votes = joint_votes(masks)
    ours = multi_label_staple(votes, region=votes.whole)
    judge = sitk.MultiLabelSTAPLEImageFilter()
    judge.SetLabelForUndecidedPixels(0)
    judge.SetTerminationUpdateThreshold(1e-9)
    judged = sitk.GetArrayFromImage(judge.Execute(images(masks)))
    np.testing.assert_array_equal(joined(votes, Method.STAPLE, margin_voxels=20).mask, judged)
    judged_matrices = [judged_confusion(judge, author, labels) for author in range(count)]
    if not is_stuck:
        np.testing.assert_allclose(ours.confusion, judged_matrices, atol=1e-6)
    likelier = log_likelihood(votes, ours.prior, ours.confusion) - log_likelihood(votes, ours.prior, judged_matrices)
    assert likelier > (1e-5 if is_stuck else -1e-8)


@pytest.mark.parametrize(("count", "labels"), [(1, 1), (2, 1), (3, 1), (4, 3), (5, 4)])
def test_majority_equals_simpleitk(raters, count, labels):
    masks = raters(np.random.default_rng(count), count, labels)
    judge = sitk.LabelVotingImageFilter()
    judge.SetLabelForUndecidedPixels(0)
    judged = sitk.GetArrayFromImage(judge.Execute(images(masks)))
    np.testing.assert_array_equal(joined(joint_votes(masks), Method.MAJORITY).mask, judged)


def line(*authors):
    return joint_votes([np.array(author, np.uint8).reshape(1, 1, -1) for author in authors])


def test_a_tie_is_background_for_majority():
    votes = line([1, 1, 2, 1], [1, 0, 1, 2], [1, 1, 0, 1], [0, 0, 0, 2])
    assert majority(votes)[votes.index].ravel().tolist() == [1, 0, 0, 0]


def test_soft_labels_are_shares():
    votes = line([1, 1, 2], [1, 0, 2], [0, 2, 2], [1, 2, 2])
    np.testing.assert_allclose(soft_labels(votes, 1)[votes.index].ravel(), [0.75, 0.25, 0])


@pytest.mark.parametrize("method", Method)
def test_one_author_is_the_consensus(raters, method):
    for labels in (1, 3):
        (mask,) = raters(np.random.default_rng(1), 1, labels)
        np.testing.assert_array_equal(joined(joint_votes([mask]), method).mask, mask)


@pytest.mark.parametrize("method", Method)
def test_nothing_drawn_is_nothing_agreed(method):
    result = joined(joint_votes([np.zeros((2, 3, 4), np.uint8)] * 3), method)
    assert not result.mask.any()
    assert result.mask.shape == (2, 3, 4)


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("labels", [1, 3])
def test_the_order_of_the_authors_changes_nothing(raters, method, labels):
    masks = raters(np.random.default_rng(3), 4, labels)
    forth, back = joined(joint_votes(masks), method), joined(joint_votes(masks[::-1]), method)
    np.testing.assert_array_equal(forth.mask, back.mask)


def test_staple_on_nothing_says_so():
    votes = joint_votes([np.zeros((2, 3, 4), np.uint8)] * 3)
    for region in (votes.whole, Region((0, 0, 0), (0, 0, 0))):
        nothing = staple(votes, 1, region=region)
        assert nothing.probability.tolist() == [0]
        assert np.isnan(nothing.sensitivity).all()
        assert multi_label_staple(votes, region=region).probability.tolist() == [[1]]
    full = joint_votes([np.ones((2, 3, 4), np.uint8)] * 2)
    assert staple(full, 1, region=full.whole).probability.tolist() == [1]


def test_staple_trusts_the_many_over_the_careless(raters):
    rng = np.random.default_rng(5)
    careful = raters(rng, 4)
    careless = [(rng.random((12, 14, 16)) < 0.5).astype(np.uint8)]
    votes = joint_votes(careful + careless)
    result = staple(votes, 1, region=votes.whole)
    assert result.sensitivity[:4].min() > result.sensitivity[4] + 0.1


def test_methods_by_name():
    assert parse_method("staple") is Method.STAPLE
    with pytest.raises(UsageError, match="majority, staple"):
        parse_method("vote")
